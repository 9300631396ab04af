"""Correct the p-values of several tasks for multiple testing."""

from collections.abc import Mapping
from dataclasses import dataclass

from kgbert.comparison.statistics.power import ALPHA, seeds_needed
from kgbert.comparison.statistics.sign_flip import holm
from kgbert.reporting.formatting import listing


@dataclass(frozen=True)
class Family:
    """The p-values of several tasks, corrected for their number by Holm's method.

    Attributes:
        adjusted: The corrected p of each task; empty where there are too few seeds.
        sentence: A summary for the report.
    """

    adjusted: Mapping[str, float]
    sentence: str


def family(p_values: Mapping[str, float], seeds: int) -> Family:
    """Return the corrected p-values of tasks, or the number of seeds that they would need.

    Args:
        p_values: The p of the same comparison on each task.
        seeds: Smallest number of paired seeds of any task.

    >>> family({"a": 0.004, "b": 0.03, "c": 0.2}, 10).sentence
    'Corrected for 3 tasks (Holm), a stays below 0.05.'
    >>> family({"a": 0.031, "b": 0.031}, 6).adjusted
    {}
    """
    needed = seeds_needed(len(p_values))
    if seeds < needed:
        return Family(
            {},
            f"{seeds} seeds are too few to correct for {len(p_values)} tasks (Holm): no corrected "
            f"p could fall below {ALPHA:g}. That takes {needed} seeds; the verdict on each single "
            f"task remains valid.",
        )
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    standing = [task for task, p in adjusted.items() if p < ALPHA]
    verb = "stays" if len(standing) == 1 else "stay"
    outcome = f"{listing(standing)} {verb}" if standing else "none stays"
    return Family(
        adjusted, f"Corrected for {len(p_values)} tasks (Holm), {outcome} below {ALPHA:g}."
    )
