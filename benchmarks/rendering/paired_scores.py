"""Cells of tables about scores by seed."""

from collections.abc import Mapping
from statistics import fmean

from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.reporting.formatting import interval, p_value, points, score


def difference(first: Mapping[int, float], second: Mapping[int, float]) -> list[str]:
    """Return the mean difference over the seeds that both have, its p-value and their number."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return ["", "", ""]
    found = paired_summary([first[seed] - second[seed] for seed in seeds])
    limits = interval(found.interval)
    return [f"{points(found.mean)} {limits}".strip(), p_value(found.p), f"{len(seeds)}"]


def mean_score(scores: Mapping[int, float]) -> str:
    """Return the mean over the seeds; nothing without any."""
    return score(fmean(scores.values())) if scores else ""
