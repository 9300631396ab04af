"""Fine-tune a knowledge-injected model end to end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from statistics import fmean
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
    TrainerState,
    TrainingArguments,
)

from kgbert.data import Example
from kgbert.encoding.length_grouping import LengthGroupedSampler
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import outputs_by_example
from kgbert.tasks.base import Task
from kgbert.tasks.registry import task_of_model
from kgbert.training.checks import check_by_epoch, check_fit
from kgbert.training.config import (
    HEAD_LEARNING_RATE,
    KNOWLEDGE_SHARE,
    Regularization,
)
from kgbert.training.dataset import EvaluationExamples, KGBertCollator, TrainingExamples
from kgbert.training.inference import model_outputs
from kgbert.training.overfitting.augmentation import Augmenter
from kgbert.training.overfitting.regularization import (
    balanced_class_weights,
    class_loss,
    l1_norm,
    layer_depths,
    regularized,
)
from kgbert.utils.checkpoints import last_checkpoint
from kgbert.utils.device import has_fast_bf16, process_state

#: Name of the number that selects the weights: that of the evaluation, or 0 for a low score.
SELECTION = "selection"

#: Entries of Trainer's log that are no scores.
_NO_SCORES = {
    "eval_loss",
    "eval_runtime",
    "eval_samples_per_second",
    "eval_steps_per_second",
    f"eval_{SELECTION}",
}


#: Share of the first step's loss below which a model has begun to learn.
LEARNING_LOSS = 0.75


@dataclass(frozen=True)
class TrainingResult:
    """The result of a fine-tuning."""

    metrics: dict[str, float]
    """Validation scores of the weights that were kept."""
    history: list[dict[str, float | int]]
    """By epoch: epoch, train_loss, and validation, the main metric."""
    best_epoch: int
    """The epoch whose weights were kept."""


def default_arguments(folder: str | Path, **changes: Any) -> TrainingArguments:
    """Return training arguments for small labelled sets that keep the best epoch's weights.

    Args:
        folder: Folder of the checkpoints.
        **changes: Arguments of :class:`transformers.TrainingArguments`, passed on unchanged.
    """
    defaults: dict[str, Any] = {
        "num_train_epochs": 10,
        "per_device_train_batch_size": 32,
        "per_device_eval_batch_size": 64,
        "weight_decay": 0.01,
        "warmup_steps": 0.1,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "logging_strategy": "epoch",
        "load_best_model_at_end": True,
        "disable_tqdm": True,
        "bf16": has_fast_bf16(),
        # On a CPU Trainer rejects bfloat16 without it, and Accelerate joins no other processes.
        "use_cpu": not torch.accelerator.is_available(),
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
    regularization: Regularization | None = None,
    task: Task | None = None,
    resume: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainingResult:
    """Train a model end to end, and restore the weights of the epoch that is chosen.

    It is the last epoch whose validation score is at most a standard error below the best one, or
    the first with a perfect score. With a hundred validation texts, the best score is often that of
    a lucky early epoch, and the learning rate falls to zero towards the last one.

    Args:
        model: A knowledge-injected model with the labels of the training texts.
        processor: A processor of the same graph.
        train: Labelled texts.
        validation: Labelled texts for early stopping and the choice of the weights.
        arguments: As for Trainer; ``learning_rate`` is that of the pretrained encoder.
        head_learning_rate: Learning rate of the task head; injections and graph encoder learn at
            ``KNOWLEDGE_SHARE`` of it.
        patience: Epochs in succession with a score below that range, after which training stops.
        regularization: Measures against overfitting besides ``arguments.weight_decay``.
        task: The task; None means the task of the model.
        resume: Resume from the last complete checkpoint in ``arguments.output_dir``, if there is
            one.
        callbacks: Trainer callbacks.
    """
    task, chosen = task or task_of_model(model), regularization or Regularization()
    task.check(train, validation)
    chosen.check(task)
    check_fit(model.config, processor, scores_entities=model.scores_entities)
    check_by_epoch(arguments)
    # Sorted by length, so that batches need little padding.
    validation = sorted(validation, key=lambda example: len(example.joined))
    held_out = EvaluationExamples(task, processor, validation)
    gold = [task.gold(each, processor.graph) for each in held_out.encoded]
    metrics = task.selection_metrics or (task.metric,)
    is_better_greater = task.metrics[task.metric].greater_is_better

    def score(outputs: Sequence[Sequence[Any]]) -> dict[str, float]:
        if task.needs_calibration:
            task.calibrate(outputs, held_out.encoded, model.config, processor.graph)
        answers = [
            task.decode(rows, each, model.config, processor.graph).answer
            for rows, each in zip(outputs, held_out.encoded, strict=True)
        ]
        return task.score(gold, answers)

    def compute_metrics(output: EvalPrediction) -> dict[str, float]:
        scores = score(outputs_by_example(np.asarray(output.predictions), held_out.encoded))
        past = [x for x in trainer.state.log_history if f"eval_{task.metric}" in x]
        values = [fmean(x[f"eval_{name}"] for name in metrics) for x in past]
        values.append(fmean(scores[name] for name in metrics))
        signed = [value if is_better_greater else -value for value in values]
        return scores | {SELECTION: len(values) if is_good(signed, len(gold)) else 0}

    # One GPU per process: DataParallel would split the graph's tensors.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    # Otherwise a resumed training loses the early-stopping counter.
    arguments.restore_callback_states_from_checkpoint = True
    arguments.metric_for_best_model = f"eval_{SELECTION}"
    # The later losses are compared with it.
    arguments.logging_first_step = True
    arguments.greater_is_better = True
    examples = TrainingExamples(
        task,
        processor,
        train,
        model.config,
        with_link_gold=bool(model.config.linking_loss),
        augmenter=_augmenter(processor, chosen, arguments.seed),
    )
    with regularized(model, chosen):
        trainer = TaskTrainer(
            model,
            arguments,
            regularization=chosen,
            data_collator=KGBertCollator(task, processor),
            train_dataset=examples,
            eval_dataset=held_out,
            optimizers=(optimizer_of(model, arguments, head_learning_rate, chosen), None),
            compute_metrics=compute_metrics,
            callbacks=[PatientStopping(patience), *callbacks],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=_checkpoint(arguments) if resume else None)
    model.texts_read = model.texts_read.with_labelled([*train, *validation])
    # Otherwise the model would compute in bfloat16 here, but in float32 after loading.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    # Accelerate leaves a forward of the instance, which a copy of the model would share.
    vars(model).pop("forward", None)
    result = _result(trainer, task)
    if not task.needs_calibration:
        return result
    # Of the weights that were kept.
    outputs = model_outputs(model, processor, task, held_out.encoded)
    return replace(result, metrics=score(outputs))


def is_good(scores: Sequence[float], count: int) -> bool:
    """Return whether the last of some scores is at most a standard error below the best one.

    Nothing is better than a perfect score: only the first one is good, since more epochs would only
    make the model more certain.

    Args:
        scores: Validation scores by epoch; greater is better.
        count: Number of validation texts.

    >>> [is_good(scores, 100) for scores in ([0.8, 0.77], [0.8, 0.7], [1.0], [1.0, 1.0])]
    [True, False, True, False]
    """
    best, last = max(scores), scores[-1]
    if best == 1 or best not in scores[:-1]:
        return scores.index(best) == len(scores) - 1
    return best - last <= standard_error(best, count)


def standard_error(score: float, count: int) -> float:
    """Return the standard error of a share of some texts, such as accuracy.

    It is also used for F1 and correlations; zero for scores that are no shares.

    >>> standard_error(0.8, 100)
    0.04
    """
    return sqrt(score * (1 - score) / count) if 0 <= score <= 1 else 0.0


def _checkpoint(arguments: TrainingArguments) -> str | None:
    with process_state().main_process_first():
        checkpoint = last_checkpoint(Path(cast(str, arguments.output_dir)))
    return str(checkpoint) if checkpoint else None


class StepProgress(TrainerCallback):
    """Calls a function after each step, with the finished steps and the maximum number of steps."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, *rest: Any, **more: Any
    ) -> None:
        """Report the steps of the trainer's state."""
        self.progress(state.global_step, state.max_steps)


class PatientStopping(EarlyStoppingCallback):
    """Stops a training with low scores, but not before the model has begun to learn.

    Scores are noise until the training loss falls, and the first of them may be the best.
    """

    def check_metric_value(
        self, args: TrainingArguments, state: Any, control: Any, metric_value: float
    ) -> None:
        """Count an epoch with a low score, unless the loss is as at first."""
        losses = [x["loss"] for x in state.log_history if "loss" in x]
        if losses[-1] > LEARNING_LOSS * losses[0]:
            return
        super().check_metric_value(args, state, control, metric_value)


class TaskTrainer(Trainer):
    """A Trainer that computes outputs by the task, and batches texts of similar length."""

    data_collator: KGBertCollator

    def __init__(self, *arguments: Any, regularization: Regularization, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.regularization = regularization
        self.class_weights = (
            balanced_class_weights(
                cast(TrainingExamples, self.train_dataset).targets,
                len(cast(KGBertPreTrainedModel, self.model).config.labels),
            )
            if regularization.class_weights == "balanced"
            else None
        )

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Any], *rest: Any, **more: Any
    ) -> Any:
        """Return the loss of the model, with the chosen measures against overfitting."""
        chosen, labels = self.regularization, inputs.get("labels")
        if not chosen.changes_class_loss and not chosen.l1:
            return super().compute_loss(model, inputs, *rest, **more)
        loss, outputs = super().compute_loss(model, inputs, **{**more, "return_outputs": True})
        bare = self.accelerator.unwrap_model(model)
        if chosen.changes_class_loss and labels is not None:
            # Other terms of the loss, for example that of the links, stay as they are.
            logits, targets = outputs.logits.flatten(0, -2), labels.flatten()
            untrained = bare.untrained_labels
            loss = (
                loss
                - class_loss(logits, targets, untrained=untrained)
                + class_loss(
                    logits,
                    targets,
                    untrained=untrained,
                    weights=self.class_weights,
                    smoothing=chosen.label_smoothing,
                )
            )
        if chosen.l1:
            loss = loss + chosen.l1 * l1_norm(bare)
        return (loss, outputs) if more.get("return_outputs") else loss

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[None, torch.Tensor, torch.Tensor]:
        """Return the outputs that the task decodes, one row per unit."""
        task, processor = self.data_collator.task, self.data_collator.processor
        batch = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = task.compute_outputs(model, batch, processor)
        # Without labels Trainer would compute no metrics.
        return None, outputs.detach(), torch.zeros(len(outputs), device=outputs.device)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        """Return a sampler that shuffles examples and groups similar lengths.

        Trainer's own grouping by length reorders the evaluation as well, reads the lengths from
        datasets of dictionaries only, and its shuffling depends on the random numbers of dropout.
        """
        examples = cast(TrainingExamples, train_dataset or self.train_dataset)
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        return LengthGroupedSampler(
            examples.lengths,
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            seed=seed,
            follow=examples.set_epoch,
        )


def _augmenter(processor: KGBertProcessor, chosen: Regularization, seed: int) -> Augmenter | None:
    if not chosen.changes_texts:
        return None
    return Augmenter(processor.graph, processor.linker, chosen, seed)


def optimizer_of(
    model: KGBertPreTrainedModel,
    arguments: TrainingArguments,
    head_learning_rate: float,
    chosen: Regularization,
) -> Optimizer:
    """Return AdamW with separate learning rates for encoder, task head and knowledge layers."""
    pretrained = _pretrained_rates(model, arguments.learning_rate, chosen.layer_rate_decay)
    held = {id(parameter) for parameter in model.backbone.parameters()}
    undecayed = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm)
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        new = head_learning_rate * (1 if id(parameter) in held else KNOWLEDGE_SHARE)
        rate = pretrained.get(id(parameter), new)
        decay = 0.0 if id(parameter) in undecayed else arguments.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    options = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    return AdamW(options, fused=True)


def _pretrained_rates(
    model: KGBertPreTrainedModel, rate: float, layer_decay: float
) -> dict[int, float]:
    """Return the learning rate of each pretrained parameter by its id."""
    if layer_decay == 1:
        return {id(parameter): rate for parameter in model.backbone.base_model.parameters()}
    depths = layer_depths(model)
    top = max(depths.values())
    return {each: rate * layer_decay ** (top - depth) for each, depth in depths.items()}


def _result(trainer: Trainer, task: Task) -> TrainingResult:
    """Return the result of a training from the trainer's log."""
    key = f"eval_{task.metric}"
    losses = {x["epoch"]: x["loss"] for x in trainer.state.log_history if "loss" in x}
    evaluations = [x for x in trainer.state.log_history if key in x]
    best = max(evaluations, key=lambda x: x[f"eval_{SELECTION}"])
    return TrainingResult(
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
