"""Paired tests: the exact sign-flip test and the interval that inverts it.

Under the null hypothesis of no difference both signs of a paired difference are equally likely.
The sign-flip test counts how many of the 2^n choices of signs give a sum at least as far from zero
as the observed one. It assumes only that the differences are distributed symmetrically.

The same count gives the interval. For a supposed true difference t below the mean, flipping the
signs of a subset of the ``d - t`` keeps the sum as large exactly if the mean of that subset is at
most t. So the limits of the interval are order statistics of the means of all subsets (Hartigan
1969, https://doi.org/10.1080/01621459.1969.10501057), and the interval contains 0 exactly if the
test does not reject.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kgbert.utils.errors import KGBertError, Remedy

#: Maximum number of pairs with an exact test; beyond, a fixed sample of sign patterns is used.
EXACT_LIMIT = 20
#: Sign patterns drawn beyond the limit.
DRAWS = 19_999
#: Below this share of the sum of the absolute differences a sum counts as zero: 0.1 + 0.2 - 0.3.
TOLERANCE = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedSummary:
    """Mean, interval, test and number of wins of paired differences.

    Attributes:
        count: Number of pairs.
        mean: Mean difference, first minus second.
        sd: Standard deviation of the differences; None for a single pair.
        interval: Confidence interval of the mean; None where the pairs are too few.
        p: Two-sided p of the sign-flip test.
        wins: Pairs in which the first was better.
        losses: Pairs in which the second was better.
        exact: True if all sign patterns were counted, False if they were sampled.
    """

    count: int
    mean: float
    sd: float | None
    interval: tuple[float, float] | None
    p: float
    wins: int
    losses: int
    exact: bool


def paired_summary(differences: ArrayLike, *, confidence: float = 0.95) -> PairedSummary:
    """Summarise the differences of paired runs by the sign-flip test.

    >>> summary = paired_summary([0.02, 0.04, 0.01, 0.03, 0.05, 0.03])
    >>> summary.p, summary.interval, summary.wins
    (0.03125, (0.01, 0.05), 6)
    """
    values = np.asarray(differences, dtype=float)
    return _summary(values, np.ones_like(values), confidence)


def clustered_summary(
    differences: ArrayLike, clusters: Sequence[Hashable], *, confidence: float = 0.95
) -> PairedSummary:
    """Summarise the differences of single items, flipping the items of a cluster together.

    This is approximate randomisation over the clusters, such as the documents that the items
    come from, with every item weighing the same. ``count`` is the number of clusters, ``sd``
    and the wins are those of the clusters' means.

    >>> clustered_summary([1, 1, 0, -1], ["a", "a", "b", "c"]).count
    3
    """
    values = np.asarray(differences, dtype=float)
    if len(values) != len(clusters):
        raise KGBertError(
            f"{len(values)} differences but {len(clusters)} clusters; give one cluster per item.",
            code="cluster-count",
        )
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    positions = np.array([numbers[cluster] for cluster in clusters], dtype=np.intp)
    sums = np.bincount(positions, weights=values).astype(float)
    return _summary(sums, np.bincount(positions).astype(float), confidence)


def holm(p_values: ArrayLike) -> list[float]:
    """Return Holm's adjusted p-values, in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    result = np.empty(len(order))
    result[order] = adjusted
    return [float(p) for p in result]


def _summary(sums: Floats, sizes: Floats, confidence: float) -> PairedSummary:
    if not len(sums) or not np.isfinite(sums).all():
        raise KGBertError(
            f"invalid differences {sums.tolist()[:6]}: a paired test needs at least one pair and "
            "finite numbers; leave out the pairs of failed runs.",
            code="invalid-differences",
        )
    if not 0 < confidence < 1:
        raise KGBertError(
            f"confidence {confidence} is not between 0 and 1.",
            code="invalid-confidence",
            remedies=[Remedy("confidence", 0.95)],
        )
    means = subset_means(sums, sizes)
    each = sums / sizes
    return PairedSummary(
        count=len(sums),
        mean=float(sums.sum() / sizes.sum()),
        sd=float(each.std(ddof=1)) if len(each) > 1 else None,
        interval=_interval(means, 1 - confidence),
        p=_p_value(means),
        wins=int((each > 0).sum()),
        losses=int((each < 0).sum()),
        exact=len(sums) <= EXACT_LIMIT,
    )


def subset_means(sums: Floats, sizes: Floats) -> Floats:
    """Return the mean of every non-empty subset of pairs, or of a sample beyond EXACT_LIMIT."""
    columns = np.stack([sums, sizes], axis=1)
    if len(columns) <= EXACT_LIMIT:
        subsets = np.zeros((1, 2))
        for column in columns:
            subsets = np.concatenate([subsets, subsets + column])
    else:
        subsets = _random_subsets(columns)
    subsets = subsets[subsets[:, 1] > 0]
    means: Floats = subsets[:, 0] / subsets[:, 1]
    means[np.abs(subsets[:, 0]) <= TOLERANCE * np.abs(sums).sum()] = 0.0
    return means


def _random_subsets(columns: Floats) -> Floats:
    # A fixed seed, so that the same runs always give the same p.
    generator = np.random.default_rng(0)
    rows = max(1, 4_000_000 // len(columns))
    starts = range(0, DRAWS, rows)
    shapes = ((min(rows, DRAWS - start), len(columns)) for start in starts)
    return np.concatenate(
        [generator.integers(0, 2, shape, dtype=np.int8) @ columns for shape in shapes]
    )


def _p_value(means: Floats) -> float:
    # The empty subset, all signs as observed, is one of the patterns: hence 1 + ...
    extreme = 1 + min(int((means <= 0).sum()), int((means >= 0).sum()))
    return min(1.0, 2 * extreme / (len(means) + 1))


def _interval(means: Floats, alpha: float) -> tuple[float, float] | None:
    rank = int(alpha / 2 * (len(means) + 1))
    if rank == 0:
        return None
    ordered = np.partition(means, [rank - 1, len(means) - rank])
    return float(ordered[rank - 1]), float(ordered[len(means) - rank])
