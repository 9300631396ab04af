"""One run: train one arm with one seed, and record the results."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, cast

from torch import Tensor, nn
from transformers import TrainerCallback

from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.checks.slices import slices_of
from kgbert.comparison.results import (
    ALSO_TESTED,
    DONE,
    Cost,
    EpochRecord,
    ItemScores,
    RunRecord,
    SliceScore,
)
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.pretraining.record import pretraining_record
from kgbert.tasks.base import EncodedExample, Prediction, Task
from kgbert.training.config import TrainingConfig
from kgbert.training.inference import evaluate, predict, score_predictions
from kgbert.training.linear_model import fit_linear
from kgbert.training.peak_memory import PeakMemory, release_memory
from kgbert.training.train import TrainingInputs, build_model, fit_model, grounded_task
from kgbert.training.trainer import TrainingResult
from kgbert.utils.logging import silenced_transformers


@dataclass(frozen=True)
class RunResult:
    """A run's record, and the trained model."""

    record: RunRecord
    model: KGBertPreTrainedModel
    processor: KGBertProcessor


#: Returns the predictions for encoded examples.
Predict = Callable[[Sequence[EncodedExample]], list[Prediction]]


class _Trained(NamedTuple):
    """What was trained: an encoder, a linear model, or the evidence alone."""

    result: TrainingResult
    predict: Predict
    sizes: Mapping[str, int]
    """Numbers of parameters."""


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
        study: The study.
        arm: The arm of the study to train.
        seed: Determines the texts, their order and the initial weights.
        callbacks: Trainer callbacks, called at every training step.
    """
    training_config, split = study.training_config(arm), study.split(seed)
    inputs = run_inputs(study, arm, seed)
    rewritten, further = Split(*inputs.parts[:3]), inputs.parts[3:]
    # Every arm is scored by the true hierarchy.
    task = grounded_task(study.task, study.graph, study.grounding, split.train)
    model, processor = build_model(
        TrainingInputs(
            task,
            inputs.graph,
            inputs.features,
            inputs.linker,
            inputs.backbone,
            inputs.expander,
            inputs.grounding,
            inputs.path_steps,
        ),
        split.train,
        training_config,
        seed=seed,
        options=arm.options,
    )
    # Link before the timer starts: linkers cache results, and the first arm would pay for all.
    processor.linker([text for part in inputs.parts for example in part for text in example.texts])
    release_memory()
    memory = PeakMemory()
    started = time.perf_counter()
    if arm.learner == "linear":
        trained = _fit_linear(model, processor, rewritten, task)
    elif arm.learner == "evidence":
        trained = _without_encoder(model, processor, rewritten, task)
    else:
        trained = _fine_tune(
            model, processor, rewritten, task, training_config, seed=seed, callbacks=callbacks
        )
    training_ended = time.perf_counter()
    encoded = task.encode(rewritten.test, processor)
    answers = [prediction.answer for prediction in trained.predict(encoded)]
    tested = time.perf_counter()
    gold = [task.gold(each, study.graph) for each in encoded]
    record = RunRecord(
        arm=arm.name,
        seed=seed,
        status=DONE,
        metrics=task.score(gold, answers),
        slices={
            **_slice_scores(study, split, encoded, gold, answers),
            **_scores_elsewhere(study, further, trained.predict, processor),
        },
        validation=trained.result.metrics,
        cost=Cost(
            pretrain_seconds=_pretraining_seconds(inputs.backbone),
            train_seconds=round(training_ended - started, 2),
            predict_seconds=round(tested - training_ended, 2),
            peak_memory_mb=memory.in_mb(),
            **trained.sizes,
        ),
        items=_item_scores(task, split, gold, answers),
        history=tuple(EpochRecord(**epoch) for epoch in trained.result.history),
        best_epoch=trained.result.best_epoch or None,
        training_config=replace(
            training_config,
            encoder_learning_rate=training_config.encoder_rate(
                model.config.encoder_config.hidden_size
            ),
            batch_size=training_config.texts_per_step(len(split.train)),
            options={**training_config.options, **arm.options},
        ),
        fingerprint=study.fingerprint(arm, seed),
    )
    return RunResult(record, model, processor)


def _fine_tune(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    split: Split,
    task: Task,
    config: TrainingConfig,
    *,
    seed: int,
    callbacks: Sequence[TrainerCallback],
) -> _Trained:
    result = fit_model(
        model, processor, split, task=task, config=config, seed=seed, callbacks=callbacks
    )
    return _Trained(result, partial(predict, model, processor, task), _sizes(model))


def _fit_linear(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, split: Split, task: Task
) -> _Trained:
    """Train a linear model with the labels of a fused model that stays untrained."""
    linear, metrics = fit_linear(task, model.config, processor, split)
    sizes = {"parameters": linear.model.parameters, "added_parameters": 0}
    return _Trained(TrainingResult(metrics, [], 0), partial(linear.predict, task, processor), sizes)


def _without_encoder(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, split: Split, task: Task
) -> _Trained:
    """Return an untrained model in which only the fitted evidence counts."""
    assert model.path_scorer is not None
    # A new head gives random scores to the states of the encoder.
    nn.init.zeros_(cast(Tensor, model.get_submodule(model.output_layer).weight))
    metrics = evaluate(model, processor, task, task.encode(split.validation, processor))
    weights = sum(each.numel() for each in model.path_scorer.parameters())
    sizes = {"parameters": weights, "added_parameters": weights}
    answer = partial(predict, model, processor, task)
    return _Trained(TrainingResult(metrics, [], 0), answer, sizes)


def run_inputs(study: Study, arm: Arm, seed: int) -> RunInputs:
    """Return the inputs of an arm for a seed.

    Raises:
        ValueError: The arm does not apply to this graph, these texts or this backbone.
    """
    parts = (*study.split(seed).parts(), *study.also_test.values())
    given = RunInputs(
        study.graph,
        study.features,
        study.linker,
        study.backbone,
        parts,
        study.task,
        grounding=study.grounding,
        path_steps=study.path_steps,
    )
    return arm.transform(given, seed)


def check_arms(study: Study) -> None:
    """Raise ValueError where an arm does not apply to a study, whatever the seed."""
    for arm in study.arms:
        run_inputs(study, arm, study.seeds[0])
        study.training_config(arm).regularization.check(study.task)


def _pretraining_seconds(backbone: str) -> float | None:
    record = pretraining_record(backbone)
    return record.total_seconds if record else None


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


def _scores_elsewhere(
    study: Study,
    parts: Sequence[Sequence[Example]],
    predict_examples: Predict,
    processor: KGBertProcessor,
) -> dict[str, SliceScore]:
    """Return the metrics on further texts, as rewritten for the arm."""
    task, scores = study.task, {}
    for name, texts in zip(study.also_test, parts, strict=True):
        encoded = task.encode(texts, processor)
        metrics = score_predictions(task, encoded, predict_examples(encoded), study.graph)
        scores[f"{ALSO_TESTED}{name}"] = SliceScore(len(texts), metrics)
    return scores


def _item_scores(
    task: Task, split: Split, gold: Sequence[Any], answers: Sequence[Any]
) -> ItemScores:
    return ItemScores(
        ids=tuple(text_id(example.joined) for example in split.test),
        correct=tuple(int(task.is_correct(*pair)) for pair in zip(gold, answers, strict=True)),
        documents=tuple(text_id(example.id or example.text) for example in split.test),
        gold=tuple(_quotes(task, gold)),
        answers=tuple(_quotes(task, answers)),
    )


def _quotes(task: Task, answers: Sequence[Any]) -> list[str]:
    """Return each answer in a few words; an empty list for a task that does not quote answers."""
    return [words for answer in answers if (words := task.quote(answer)) is not None]


def text_id(text: str) -> str:
    """Return a short id of a text that does not reveal it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _sizes(model: KGBertPreTrainedModel) -> dict[str, int]:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    backbone = sum(parameter.numel() for parameter in model.backbone.parameters())
    return {"parameters": parameters, "added_parameters": parameters - backbone}
