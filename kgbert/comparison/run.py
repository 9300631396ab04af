"""One run: train one arm with one seed, and write down everything that came of it."""

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import transformers
from transformers import TrainerCallback

from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.checks.slices import slices_of
from kgbert.comparison.results import DONE, Cost, EpochRecord, ItemScores, RunRecord, SliceScore
from kgbert.comparison.study import Study
from kgbert.data.splits import Split
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.backbones import longest_text
from kgbert.features.pretrained import load_tokenizer
from kgbert.linking.caching import CachingLinker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Task
from kgbert.training.config import TrainingConfig
from kgbert.training.inference import predict
from kgbert.training.peak_memory import PeakMemory
from kgbert.training.trainer import TrainingResult, default_arguments, fine_tune
from kgbert.utils.logging import silenced_transformers


@dataclass(frozen=True)
class RunResult:
    """A run's record, and what it trained."""

    record: RunRecord
    model: KGBertPreTrainedModel
    processor: KGBertProcessor


@silenced_transformers()
def run_arm(
    study: Study,
    arm: Arm,
    seed: int,
    *,
    callbacks: Sequence[TrainerCallback] = (),
) -> RunResult:
    """Train one arm with one seed on that seed's texts, and test it once.

    Args:
        study: What is compared.
        arm: Which arm of it.
        seed: Which texts, which order of them, and which initial weights.
        callbacks: Told of every step of the training.
    """
    training_config, split = study.training_config(arm), study.split(seed)
    inputs = run_inputs(study, arm, seed)
    rewritten = Split(*inputs.parts)
    task = study.task
    space = task.label_space(split.train)
    # What all arms share is drawn first, so that it is the same for all arms of a seed.
    transformers.set_seed(seed)
    model = task.model_class.from_backbone(
        inputs.backbone,
        inputs.graph,
        labels=space.labels,
        head=space.head,
        task=task.name,
        task_settings=dict(space.settings),
        **{
            **training_config.options,
            **arm.options,
            "feature_size": inputs.features.vectors.shape[1],
        },
    )
    processor = _processor(inputs, training_config, model)
    # Before the clock starts: whichever arm asks first would pay for all that remember.
    processor.linker([text for part in inputs.parts for example in part for text in example.texts])
    memory = PeakMemory()
    started = time.perf_counter()
    training = _train(model, processor, rewritten, task, training_config, seed, callbacks)
    trained = time.perf_counter()
    encoded = task.encode(rewritten.test, processor)
    answers = [prediction.answer for prediction in predict(model, processor, task, encoded)]
    tested = time.perf_counter()
    gold = [task.gold(each, study.graph) for each in encoded]
    record = RunRecord(
        arm=arm.name,
        seed=seed,
        status=DONE,
        metrics=task.score(gold, answers),
        slices=_slice_scores(study, split, encoded, gold, answers),
        validation=training.metrics,
        cost=Cost(
            train_seconds=round(trained - started, 2),
            predict_seconds=round(tested - trained, 2),
            peak_memory_mb=memory.in_mb(),
            **_sizes(model),
        ),
        items=_item_scores(task, split, gold, answers),
        history=tuple(EpochRecord(**epoch) for epoch in training.history),
        best_epoch=training.best_epoch,
        training_config=replace(
            training_config, options={**training_config.options, **arm.options}
        ),
        fingerprint=study.fingerprint(arm, seed),
    )
    return RunResult(record, model, processor)


def run_inputs(study: Study, arm: Arm, seed: int) -> RunInputs:
    """Return what an arm reads with a seed.

    Raises:
        ValueError: The arm makes no sense for this graph, these texts or this backbone.
    """
    parts = study.split(seed).parts()
    given = RunInputs(study.graph, study.features, study.linker, study.backbone, parts, study.task)
    return arm.transform(given, seed)


def check_arms(study: Study) -> None:
    """Raise ValueError where an arm makes no sense for a study, which no seed will change."""
    for arm in study.arms:
        run_inputs(study, arm, study.seeds[0])


def _processor(
    inputs: RunInputs, training_config: TrainingConfig, model: KGBertPreTrainedModel
) -> KGBertProcessor:
    tokenizer = load_tokenizer(inputs.backbone)
    reads_entities = model.injections or model.scores_entities
    # A training configuration says how long texts may be at most; a backbone may take less.
    taken = longest_text(model.config.backbone) or tokenizer.model_max_length
    return KGBertProcessor(
        tokenizer,
        inputs.graph,
        inputs.features,
        linker=CachingLinker(inputs.linker),
        hops=model.config.graph_layers if reads_entities else 0,
        max_length=min(training_config.max_length, taken, tokenizer.model_max_length),
        expander=inputs.expander,
        **inputs.task.processor_options,
    )


def _train(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    split: Split,
    task: Task,
    training_config: TrainingConfig,
    seed: int,
    callbacks: Sequence[TrainerCallback],
) -> TrainingResult:
    with tempfile.TemporaryDirectory(prefix="kgbert-run-") as checkpoints:
        arguments = default_arguments(
            checkpoints,
            num_train_epochs=training_config.epochs,
            per_device_train_batch_size=training_config.batch_size,
            learning_rate=training_config.encoder_learning_rate,
            seed=seed,
            data_seed=seed,
            save_only_model=True,
        )
        return fine_tune(
            model,
            processor,
            split.train,
            split.validation,
            arguments=arguments,
            head_learning_rate=training_config.head_learning_rate,
            patience=training_config.patience,
            task=task,
            callbacks=callbacks,
        )


def _slice_scores(
    study: Study,
    split: Split,
    encoded: Sequence[EncodedExample],
    gold: Sequence[Any],
    answers: Sequence[Any],
) -> dict[str, SliceScore]:
    """Return the metrics on slices of the test texts."""
    scores = {}
    for part in slices_of(study, split, encoded):
        right, given = ([part.view(i, some[i]) for i in part.positions] for some in (gold, answers))
        scores[part.name] = SliceScore(part.size, study.task.score(right, given))
    return scores


def _item_scores(
    task: Task, split: Split, gold: Sequence[Any], answers: Sequence[Any]
) -> ItemScores:
    return ItemScores(
        ids=tuple(text_id(example.text) for example in split.test),
        correct=tuple(int(task.is_correct(*pair)) for pair in zip(gold, answers, strict=True)),
        documents=tuple(text_id(example.id or example.text) for example in split.test),
        gold=tuple(_quotes(task, gold)),
        answers=tuple(_quotes(task, answers)),
    )


def _quotes(task: Task, answers: Sequence[Any]) -> list[str]:
    """Return answers in a few words each; nothing for a task that does not quote them."""
    return [words for answer in answers if (words := task.quote(answer)) is not None]


def text_id(text: str) -> str:
    """Return a short name of a text that gives nothing of it away."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _sizes(model: KGBertPreTrainedModel) -> dict[str, int]:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    backbone = sum(parameter.numel() for parameter in model.backbone.parameters())
    return {"parameters": parameters, "added_parameters": parameters - backbone}
