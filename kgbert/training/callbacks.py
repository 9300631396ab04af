"""Tell how far a training has come."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerState, TrainingArguments


class StepProgress(TrainerCallback):
    """Calls a function after each step, with the steps done and the most there will be."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, *rest: Any, **more: Any
    ) -> None:
        """Pass on what Trainer knows."""
        self.progress(state.global_step, state.max_steps)
