"""Report the evaluations of a pretraining."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kgbert.pretraining.card import measures_text
from kgbert.pretraining.record import evaluation_of


class EvaluationReport(TrainerCallback):
    """Calls a function with a sentence after each evaluation."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report = report

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **details: Any,
    ) -> None:
        """Report the metrics of the held-out data."""
        if state.is_world_process_zero:
            measures = measures_text(evaluation_of(state.global_step, details["metrics"]))
            self.report(f"step {state.global_step:,} of {state.max_steps:,}: held-out {measures}")
