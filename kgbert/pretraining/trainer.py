"""The training loop of a pretraining: evaluation, early stopping and resuming."""

import math
import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset, SequentialSampler
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import ExportableState

from kgbert.models.base import KGBertPreTrainedModel
from kgbert.pretraining.checkpoint import encoder_of
from kgbert.pretraining.config import PretrainingConfig
from kgbert.pretraining.record import EvaluationRecord, evaluation_of
from kgbert.utils.checkpoints import last_checkpoint
from kgbert.utils.device import has_fast_bf16, process_state

#: Share of the steps in which a learning rate increases.
_WARMUP = 0.06


@runtime_checkable
class Objective(Protocol):
    """What is learnt, and how it is measured on held-out data."""

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return the loss of a batch."""
        ...

    def statistics(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Return a row of sums for each item of a held-out batch."""
        ...

    def metrics(self, sums: NDArray[Any]) -> dict[str, float]:
        """Return metrics from the sums over all items; ``loss`` is minimised."""
        ...


@dataclass(frozen=True)
class TrainingData:
    """The batches of a training."""

    training: Dataset[Any]
    """Every item of the whole training in order."""
    held_out: Dataset[Any]
    collate: Callable[[Any], dict[str, Tensor]]
    batch_size: int
    """Items per forward pass of one process."""
    steps: int
    """Maximum number of optimizer steps."""


@dataclass(frozen=True)
class FitResult:
    """The course of a training; the model has the weights of the best step."""

    evaluations: tuple[EvaluationRecord, ...]
    steps: int
    best_step: int
    seconds: float


def items_per_step(batch_size: int, config: PretrainingConfig) -> int:
    """Return the number of items of one optimizer step of all processes."""
    return batch_size * config.gradient_accumulation * int(process_state().num_processes)


def steps_of(items: int, per_step: int, config: PretrainingConfig) -> int:
    """Return the number of optimizer steps.

    Args:
        items: Items of one epoch.
        per_step: Items of one step.
        config: Limits epochs and steps.
    """
    steps = max(1, math.ceil(config.epochs * items / per_step))
    return min(steps, config.max_steps or steps)


def evaluation_interval(steps: int, config: PretrainingConfig) -> int:
    """Return the number of steps between two evaluations."""
    return max(1, math.ceil(steps / config.evaluations))


def fit(
    model: PreTrainedModel,
    objective: Objective,
    data: TrainingData,
    *,
    config: PretrainingConfig,
    folder: Path,
    head_is_new: bool = False,
    callbacks: Sequence[TrainerCallback] = (),
) -> FitResult:
    """Train a model, and restore the weights with the lowest held-out loss.

    Args:
        model: The model; its weights change in place.
        objective: The loss and its measures.
        data: The batches.
        config: The settings.
        folder: Folder of the checkpoints; a training that was interrupted there is continued.
        head_is_new: Whether the head is trained alone first.
        callbacks: Trainer callbacks.
    """
    with process_state().main_process_first():
        checkpoint = last_checkpoint(folder)
    arguments = _arguments(folder, data, config, is_new=checkpoint is None)
    clock = _Stopwatch()
    trainer = _PretrainingTrainer(
        model,
        arguments,
        data_collator=data.collate,
        train_dataset=data.training,
        eval_dataset=data.held_out,
        compute_metrics=lambda outputs: objective.metrics(_sums(outputs)),
        optimizers=_optimizers(model, data.steps, config, head_is_new=head_is_new),
        callbacks=[EarlyStoppingCallback(config.patience), clock, _EvaluateAtEnd(), *callbacks],
    )
    trainer.objective = objective
    # The loss is already a mean; Trainer divides it by the number of accumulated passes.
    trainer.model_accepts_loss_kwargs = False
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    return _result(trainer, clock)


def _arguments(
    folder: Path, data: TrainingData, config: PretrainingConfig, *, is_new: bool
) -> TrainingArguments:
    interval = evaluation_interval(data.steps, config)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=data.steps,
        per_device_train_batch_size=data.batch_size,
        per_device_eval_batch_size=data.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        seed=config.seed,
        bf16=has_fast_bf16() if config.bf16 is None else config.bf16,
        use_cpu=not torch.accelerator.is_available(),
        eval_strategy="steps",
        save_strategy="steps",
        logging_strategy="steps",
        eval_steps=interval,
        save_steps=interval,
        logging_steps=interval,
        eval_on_start=is_new,
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        remove_unused_columns=False,
        restore_callback_states_from_checkpoint=True,
        disable_tqdm=True,
        report_to="none",
    )
    # One GPU per process: DataParallel would split batches that belong together.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _optimizers(
    model: PreTrainedModel, steps: int, config: PretrainingConfig, *, head_is_new: bool
) -> tuple[AdamW, LambdaLR]:
    """Return optimizer and schedules; a new head is trained before the encoder."""
    encoder = {id(parameter) for parameter in encoder_of(model).parameters()}
    pretrained = {id(parameter) for parameter in _backbone(model).parameters()}
    if head_is_new:
        pretrained &= encoder
    no_decay = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm)
    }
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        is_new = id(parameter) not in pretrained
        decay = 0.0 if id(parameter) in no_decay else config.weight_decay
        groups.setdefault((is_new, decay), []).append(parameter)
    rates = {True: config.head_learning_rate, False: config.learning_rate}
    optimizer = AdamW(
        [
            {"params": parameters, "lr": rates[is_new], "weight_decay": decay}
            for (is_new, decay), parameters in groups.items()
        ],
        fused=True,
    )
    frozen = round(config.head_warmup * steps) if head_is_new else 0
    schedules = [_schedule(steps, 0 if is_new else frozen) for (is_new, _) in groups]
    return optimizer, LambdaLR(optimizer, schedules)


def _backbone(model: PreTrainedModel) -> PreTrainedModel:
    """Return the model without the modules that inject knowledge."""
    backbone: PreTrainedModel = (
        model.backbone if isinstance(model, KGBertPreTrainedModel) else model
    )
    return backbone


def _schedule(steps: int, frozen: int) -> Callable[[int], float]:
    """Return the factor of a learning rate by step: zero, then an increase, then a decrease."""
    rise = max(1, round(_WARMUP * (steps - frozen)))

    def factor(step: int) -> float:
        if step < frozen:
            return 0.0
        return min((step - frozen + 1) / rise, (steps - step) / max(1, steps - frozen - rise))

    return factor


class _PretrainingTrainer(Trainer):
    """A Trainer that uses an objective and draws its items in order."""

    objective: Objective

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Tensor:
        """Return the loss of the objective."""
        return self.objective.loss(model, inputs)

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[None, Tensor, Tensor]:
        """Return the sums of the objective for each item."""
        batch = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            sums = self.objective.statistics(model, batch)
        # Without labels Trainer would compute no metrics.
        return None, sums.detach(), torch.zeros(len(sums), device=sums.device)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        """Return a sampler in the order of the items, which are shuffled already."""
        return SequentialSampler(cast(Sized, train_dataset or self.train_dataset))


class _EvaluateAtEnd(TrainerCallback):
    """Evaluates and saves after the last step, even between two evaluations."""

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> TrainerControl:
        """Request both after the last step."""
        if state.global_step >= state.max_steps:
            control.should_log = control.should_evaluate = control.should_save = True
        return control


class _Stopwatch(TrainerCallback, ExportableState):
    """Measures the time of all parts of an interrupted training."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """Return the time for a checkpoint."""
        return {"args": {}, "attributes": {"seconds": self.elapsed()}}

    def elapsed(self) -> float:
        """Return the time since the start, without interruptions."""
        return self.seconds + time.perf_counter() - self._since


def _sums(outputs: EvalPrediction) -> NDArray[Any]:
    sums: NDArray[Any] = np.asarray(outputs.predictions, np.float64).sum(0)
    return sums


def _result(trainer: Trainer, clock: _Stopwatch) -> FitResult:
    stopwatch = next(
        (x for x in trainer.callback_handler.callbacks if isinstance(x, _Stopwatch)), clock
    )
    losses = {x["step"]: x["loss"] for x in trainer.state.log_history if "loss" in x}
    evaluations = tuple(
        evaluation_of(round(x["step"]), x, losses.get(x["step"]))
        for x in trainer.state.log_history
        if "eval_loss" in x
    )
    trained = [x for x in evaluations if x.step]
    best = min(trained, key=lambda x: (x.metrics["loss"], x.step))
    return FitResult(evaluations, trainer.state.global_step, best.step, stopwatch.elapsed())
