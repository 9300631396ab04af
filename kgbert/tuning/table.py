"""The result of a search as text for a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from kgbert.reporting.formatting import counted, duration
from kgbert.tuning.results import Trial, TuneResult


def render(result: TuneResult) -> str:
    """Return trials, importance, the best configuration and the outcome."""
    return "\n".join(
        [
            *trial_table(result.trials, result.metric),
            "",
            *_importance(result),
            *_outcome(result),
        ]
    )


def trial_table(trials: Sequence[Trial], metric: str) -> list[str]:
    """Return a row for each trial: its scores and options."""
    lines = []
    for arm, own in groupby(sorted(trials, key=lambda x: (x.arm, x.number)), lambda x: x.arm):
        rows = list(own)
        total = duration(sum(row.seconds for row in rows))
        lines += [f"{arm}: {counted(len(rows), 'trial')} in {total}"]
        lines += [f"{'':>4}  {metric:>10}  {'seeds':>5}  options"]
        lines += [_row(row) for row in rows]
    return lines


def _row(trial: Trial) -> str:
    score = f"{trial.score:.3f}" if trial.score is not None else trial.status
    note = "" if trial.is_done else f"  ({trial.status})"
    return f"{trial.number:>4}  {score:>10}  {len(trial.scores):>5}  {shown(trial.options)}{note}"


def shown(options: Any) -> str:
    """Return options as ``name value``, separated by commas.

    >>> shown({"learning_rate": 0.0002, "injected_layers": [-2, -1]})
    'learning_rate 0.0002, injected_layers -2 -1'
    >>> shown({})
    'as given'
    """
    if not options:
        return "as given"
    return ", ".join(
        f"{name} {' '.join(map(str, x)) or 'none' if isinstance(x, list | tuple) else x}"
        for name, x in options.items()
    )


def _importance(result: TuneResult) -> Iterator[str]:
    if result.importance:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in result.importance.items())
        yield f"importance of the options for {result.best.arm}: {shares}"


def _outcome(result: TuneResult) -> Iterator[str]:
    best = result.best
    yield f"stopped: {result.stopped}"
    yield f"best: trial {best.number} of {best.arm}: {shown(best.options)}"
    yield (
        f"{result.metric}: {result.validation_score:.3f} on validation (mean of "
        f"{counted(len(best.scores), 'seed')}), {result.test_score:.3f} on test, "
        f"{result.train_score:.3f} on training texts"
    )
    if result.test_uses > 1:
        yield (
            f"the test texts have been used {result.test_uses} times by searches in this folder, "
            "so that the test score is no longer quite independent of the choice"
        )
    if result.requirement is not None:
        validation = "met" if result.is_met_on_validation else "not met"
        test = "met" if result.requirement.is_met(result.test_score) else "not met"
        yield f"{result.requirement}: {validation} on validation, {test} on test"
    for limit in result.limits:
        yield f"limited by {limit.cause}: {limit.evidence}"
    yield f"train it again: {result.command}"
