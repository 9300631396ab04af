"""Fine-tune a fused model, text and graph parts together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from kgbert.data import Example
from kgbert.encoding.dataset import KGBertCollator, LabelledTexts, Target, TrainingTexts
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.length_grouping import LengthGroupedSampler
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Answer, Task, labels_of, task_of_model
from kgbert.tasks.choosing import best_nil_threshold, chosen
from kgbert.tasks.gold_links import gold_links
from kgbert.training.checks import check_by_epoch, check_fit
from kgbert.training.defaults import ENCODER_LEARNING_RATE, HEAD_LEARNING_RATE, KNOWLEDGE_SHARE
from kgbert.training.inference import logits_of, moved_left
from kgbert.utils.device import has_fast_bf16

#: What Trainer logs beside the scores.
_NO_SCORES = {
    "eval_loss",
    "eval_runtime",
    "eval_samples_per_second",
    "eval_steps_per_second",
}


@dataclass(frozen=True)
class Training:
    """How a fine-tuning went."""

    metrics: dict[str, float]
    """Scores on the validation texts, of the weights that were kept."""
    history: list[dict[str, float | int]]
    """By epoch: epoch, train_loss, and validation, the metric that decides."""
    best_epoch: int


def default_arguments(folder: str | Path, **changes: Any) -> TrainingArguments:
    """Return training arguments that suit small labelled sets: the best epoch's weights are kept.

    Args:
        folder: Where checkpoints go.
        **changes: Arguments of :class:`transformers.TrainingArguments`, passed on untouched.
    """
    defaults: dict[str, Any] = {
        "num_train_epochs": 10,
        "per_device_train_batch_size": 32,
        "per_device_eval_batch_size": 64,
        "learning_rate": ENCODER_LEARNING_RATE,
        "weight_decay": 0.01,
        "warmup_steps": 0.1,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "logging_strategy": "epoch",
        "load_best_model_at_end": True,
        "disable_tqdm": True,
        "bf16": has_fast_bf16(),
        # Trainer refuses bfloat16 on a CPU that it was not told to use.
        "use_cpu": has_fast_bf16() and not torch.cuda.is_available(),
    }
    return TrainingArguments(
        output_dir=str(folder), remove_unused_columns=False, **(defaults | changes)
    )


def fine_tune(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    arguments: TrainingArguments,
    head_learning_rate: float = HEAD_LEARNING_RATE,
    patience: int = 3,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
) -> Training:
    """Train all parts of a model end to end and leave it with its best weights.

    Args:
        model: A fused model whose labels are those of the training texts.
        processor: Made for the same graph.
        train: Labelled texts.
        validation: Labelled texts that decide when to stop and which weights are kept.
        arguments: As for Trainer; ``learning_rate`` is that of the pretrained encoder.
        head_learning_rate: Learning rate of the task head; injections and graph encoder learn at
            ``KNOWLEDGE_SHARE`` of it.
        patience: Epochs without improvement after which training stops.
        resume: Go on from the last checkpoint in ``arguments.output_dir``.
        callbacks: Told of every step, as Trainer does.
    """
    task, labels = task_of_model(type(model).__name__), labels_of(model.config)
    task.check(train, validation)
    check_fit(model.config, processor)
    check_by_epoch(arguments)

    def target(example: Example, encoded: EncodedText) -> Target:
        return task.target(example, encoded, labels)

    def gold(example: Example, encoded: EncodedText) -> list[int]:
        return gold_links(example, encoded, processor.graph)

    # Equal lengths side by side, so that little is computed on padding.
    validation = sorted(validation, key=lambda example: len(example.text))
    held_out = LabelledTexts(processor, validation, target)
    expected = [
        task.expected(example, encoded, processor.graph)
        for example, encoded in zip(validation, held_out.encoded, strict=True)
    ]

    def score(output: EvalPrediction) -> dict[str, float]:
        logits = np.asarray(output.predictions)
        if processor.reads_last_token and logits.ndim == 3 and not processor.candidates:
            logits = moved_left(logits, np.asarray(output.label_ids), held_out.targets)
        rows = zip(logits, held_out.encoded, strict=True)
        return task.score(expected, [task.answer(*row, model.config) for row in rows])

    # A process that sees several GPUs takes one: DataParallel would cut the graph apart.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    # Else a resumed training forgets how long it has waited for an improvement.
    arguments.restore_callback_states_from_checkpoint = True
    arguments.metric_for_best_model = f"eval_{task.metric}"
    arguments.greater_is_better = True
    trainer = LengthGroupingTrainer(
        model,
        arguments,
        data_collator=KGBertCollator(processor),
        train_dataset=TrainingTexts(
            processor, train, target, gold if model.config.linking_loss else None
        ),
        eval_dataset=held_out,
        optimizers=(_optimizer(model, arguments, head_learning_rate), None),
        compute_metrics=score,
        callbacks=[EarlyStoppingCallback(patience), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=resume or None)
    # Else the model would go on computing in bfloat16 here, and in float32 where it is loaded.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    outcome = _outcome(trainer, task)
    if task.candidates:
        return _with_nil_threshold(outcome, model, processor, held_out, expected)
    return outcome


class LengthGroupingTrainer(Trainer):
    """A Trainer whose batches hold texts of about the same length."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        """Shuffle texts so that neighbours have about the same length.

        Trainer's own grouping by length reorders the evaluation as well, reads the lengths from
        datasets of dictionaries only, and shuffles with what dropout leaves of the random numbers.
        """
        texts = cast(TrainingTexts, train_dataset or self.train_dataset)
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return LengthGroupedSampler(
            [len(text.offsets) for text in texts.encoded],
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            seed=seed,
            follow=texts.set_epoch,
        )


def _optimizer(
    model: KGBertPreTrainedModel, arguments: TrainingArguments, head_learning_rate: float
) -> Optimizer:
    """Return AdamW with a rate for the pretrained encoder, the head, and the knowledge."""
    pretrained = {id(parameter) for parameter in model.backbone.base_model.parameters()}
    held = {id(parameter) for parameter in model.backbone.parameters()}
    undecayed = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm)
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if id(parameter) in pretrained:
            rate = arguments.learning_rate
        elif id(parameter) in held:
            rate = head_learning_rate
        else:
            rate = head_learning_rate * KNOWLEDGE_SHARE
        decay = 0.0 if id(parameter) in undecayed else arguments.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    options = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    return AdamW(options, fused=True)


def _with_nil_threshold(
    outcome: Training,
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    held_out: LabelledTexts,
    expected: Sequence[Answer],
) -> Training:
    """Choose on the validation texts when to prefer NIL, and return their scores with it."""
    rows = list(zip(logits_of(model, processor, held_out.encoded), held_out.encoded, strict=True))
    answers = [chosen(*row, model.config) for row in rows]
    gold = [right for right in expected if not isinstance(right, str)]
    model.config.nil_threshold = best_nil_threshold(answers, gold)
    task = task_of_model(type(model).__name__)
    metrics = task.score(expected, [task.answer(*row, model.config) for row in rows])
    return replace(outcome, metrics=metrics)


def _outcome(trainer: Trainer, task: Task) -> Training:
    """Read the course of a training from the trainer's log."""
    key = f"eval_{task.metric}"
    losses = {x["epoch"]: x["loss"] for x in trainer.state.log_history if "loss" in x}
    evaluations = [x for x in trainer.state.log_history if key in x]
    best = max(evaluations, key=lambda x: (x[key], -x["epoch"]))
    return Training(
        metrics={
            name.removeprefix("eval_"): value
            for name, value in best.items()
            if name.startswith("eval_") and name not in _NO_SCORES
        },
        history=[
            {
                "epoch": round(x["epoch"]),
                "train_loss": losses[x["epoch"]],
                "validation": x[key],
            }
            for x in evaluations
        ],
        best_epoch=round(best["epoch"]),
    )
