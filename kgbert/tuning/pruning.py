"""Stop trials that are worse than the middle of the earlier ones (median rule of Vizier)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kgbert.comparison.results import EpochRecord, RunRecord

#: Finished trials from which on others are stopped.
FEWEST_TRIALS = 4

#: Epochs that every run may take before it is stopped.
FREE_EPOCHS = 2


@dataclass(frozen=True)
class Thresholds:
    """The score that a run must have reached after each epoch."""

    by_epoch: tuple[float, ...] = ()
    """Median over earlier runs of the best score so far; empty to stop no run."""
    greater_is_better: bool = True

    @classmethod
    def of(cls, runs: Sequence[RunRecord], *, greater_is_better: bool) -> "Thresholds":
        """Return the thresholds that earlier finished runs set."""
        if len(runs) < FEWEST_TRIALS:
            return cls()
        curves = [best_so_far(run.history, greater_is_better) for run in runs]
        length = max(map(len, curves))
        # A run that stopped by itself has reached its score for good.
        padded = [[*curve, *curve[-1:] * (length - len(curve))] for curve in curves if curve]
        return cls(tuple(map(median, zip(*padded, strict=True))), greater_is_better)

    def is_hopeless(self, scores: Sequence[float]) -> bool:
        """Return whether a run with these validation scores by epoch is to be stopped."""
        epoch = len(scores)
        if epoch < FREE_EPOCHS or epoch > len(self.by_epoch):
            return False
        best, threshold = _best(scores, self.greater_is_better), self.by_epoch[epoch - 1]
        return best < threshold if self.greater_is_better else best > threshold


def best_so_far(history: Sequence[EpochRecord], greater_is_better: bool) -> list[float]:
    """Return the best validation score up to each epoch."""
    better = max if greater_is_better else min
    return list(accumulate((epoch.validation for epoch in history), better))


def _best(scores: Sequence[float], greater_is_better: bool) -> float:
    return max(scores) if greater_is_better else min(scores)


class StopHopeless(TrainerCallback):
    """Stops a training after an epoch in which it is hopeless."""

    def __init__(self, metric: str, thresholds: Thresholds) -> None:
        self.metric, self.thresholds = metric, thresholds
        self.scores: list[float] = []
        self.has_stopped = False

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **more: Any,
    ) -> None:
        """Stop the training if the thresholds say so."""
        self.scores.append((metrics or {})[f"eval_{self.metric}"])
        if self.thresholds.is_hopeless(self.scores):
            self.has_stopped = control.should_training_stop = True


def is_still_pruned(run: RunRecord, thresholds: Thresholds) -> bool:
    """Return whether thresholds stop a stopped run in the epoch in which it stopped."""
    scores = [epoch.validation for epoch in run.history]
    return any(thresholds.is_hopeless(scores[: epoch + 1]) for epoch in range(len(scores)))
