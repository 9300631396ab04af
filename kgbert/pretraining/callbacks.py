"""Report the progress of a pretraining."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kgbert.pretraining.card import measures_text
from kgbert.pretraining.record import evaluation_of
from kgbert.utils.progress import Reporter


class ProgressReport(TrainerCallback):
    """Reports the finished steps, and the held-out measures after each evaluation."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self._show_step = reporter.steps("pretraining, step")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, *rest: Any, **more: Any
    ) -> None:
        """Report the finished steps."""
        self._show_step(state.global_step, state.max_steps)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **details: Any,
    ) -> None:
        """Report the measures on the held-out data."""
        if state.is_world_process_zero:
            step, last = state.global_step, state.max_steps
            measures = measures_text(evaluation_of(step, details["metrics"]))
            self.reporter.message(f"step {step:,} of {last:,}: held-out {measures}")
