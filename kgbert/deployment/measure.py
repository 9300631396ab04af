"""Measure size, speed and scores of a model on labelled texts, before and after a change."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from kgbert.data import Example
from kgbert.tasks.base import Prediction, Task
from kgbert.utils.errors import KGBertError, Remedy

#: Largest accepted loss of the main metric, in points.
MAX_LOSS = 1.0

#: Texts that are answered one by one for the latency, after as many for warming up as below.
_SINGLE = 50
_WARM_UP = 3


#: A pipeline of torch or of the runtime: called with examples and ``batch_size``.
Answering = Callable[..., list[Prediction]]


@dataclass(frozen=True)
class Measurement:
    """Size, speed and main metric of one form of a model."""

    name: str
    size: int
    """Bytes of the weights."""
    score: float
    """The main metric, scaled as a person reads it."""
    latency: float
    """Median seconds of one text."""
    tail_latency: float
    """Seconds of one text that 95 of 100 stay below."""
    throughput: float
    """Texts a second in batches of 32."""


def measure(
    name: str,
    answer: Answering,
    task: Task,
    examples: Sequence[Example],
    gold: Sequence[Any],
    *,
    weights: Path,
) -> Measurement:
    """Return the measurement of one form of a model.

    Args:
        name: The name of this form.
        answer: Predicts on examples.
        task: The task.
        examples: Labelled examples.
        gold: Their gold answers.
        weights: The file of the weights.
    """
    singles = [examples[place % len(examples)] for place in range(_WARM_UP + _SINGLE)]
    seconds = sorted([_seconds(answer, example) for example in singles][_WARM_UP:])
    start = time.perf_counter()
    predictions = answer(list(examples), batch_size=32)
    passed = time.perf_counter() - start
    scores = task.score(gold, [prediction.answer for prediction in predictions])
    return Measurement(
        name,
        weights.stat().st_size,
        scores[task.metric] * task.metrics[task.metric].scale,
        median(seconds),
        seconds[int(0.95 * len(seconds))],
        len(examples) / passed,
    )


def _seconds(answer: Answering, example: Example) -> float:
    start = time.perf_counter()
    answer([example])
    return time.perf_counter() - start


def measurements_table(metric: str, rows: Sequence[Measurement]) -> str:
    """Return the measurements as a table for a terminal.

    >>> one = Measurement("PyTorch", 2_000_000, 81.25, 0.0123, 0.02, 90.0)
    >>> print(measurements_table("accuracy", [one]))
                     MB  accuracy  median ms   95 % ms  texts/s
    PyTorch         2.0     81.25       12.3      20.0       90
    """
    width = max(10, len(metric) + 2)
    titles = ("", "MB", metric, "median ms", "95 % ms", "texts/s")
    lines = [f"{{:12}}{{:>7}}{{:>{width}}}{{:>11}}{{:>10}}{{:>9}}".format(*titles)]
    lines += [
        f"{row.name:<12}{row.size / 1e6:7.1f}{row.score:{width}.2f}"
        f"{1e3 * row.latency:11.1f}{1e3 * row.tail_latency:10.1f}{row.throughput:9.0f}"
        for row in rows
    ]
    return "\n".join(lines)


def check_loss(
    task: Task,
    original: Measurement,
    changed: Measurement,
    max_loss: float,
    *alternatives: Remedy,
) -> None:
    """Raise KGBertError if a changed model has lost more than allowed of the main metric.

    Args:
        task: The task.
        original: The measurement before the change.
        changed: The measurement after it.
        max_loss: Largest accepted loss, in points of the main metric.
        *alternatives: What to do instead of accepting the loss.
    """
    loss = original.score - changed.score
    if not task.metrics[task.metric].greater_is_better:
        loss = -loss
    if loss > max_loss:
        raise KGBertError(
            f"{changed.name} has {task.metric} {changed.score:.2f} on the test texts, "
            f"{loss:.2f} below the {original.score:.2f} of {original.name}, and at most "
            f"{max_loss:g} is accepted; nothing was written.",
            code="loss-too-large",
            remedies=[Remedy("max_loss", round(loss + 0.05, 1), "to accept it"), *alternatives],
        )
