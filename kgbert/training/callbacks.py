"""Report the progress of a training."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerState, TrainingArguments


class StepProgress(TrainerCallback):
    """Calls a function after each step, with the finished steps and the maximum number of steps."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, *rest: Any, **more: Any
    ) -> None:
        """Report the steps of the trainer's state."""
        self.progress(state.global_step, state.max_steps)
