"""Alternatives to the sign-flip test that reviewers may expect.

They do not affect the verdict: each answers a different question or needs more seeds, as its
docstring explains.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, bootstrap, norm

from kgbert.utils.errors import KGBertError

RESAMPLES = 1_999

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class StochasticOrder:
    """How far the first arm's scores are from stochastic dominance over the second's.

    Attributes:
        violation: Share of the squared distance between the two quantile functions that lies
            where the second is higher: 0 if the first is higher everywhere, 1 if lower.
        bound: Upper confidence limit of the violation. Below 0.5 the first arm is almost
            stochastically larger; Ulmer and others (2022) recommend a bound below 0.2.
    """

    violation: float
    bound: float


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test for one pair of models on one test set.

    It tests whether these two trained models differ on other texts. It does not cover the variance
    between seeds, and assumes independent texts.

    Args:
        only_first: Number of items that only the first model gets right.
        only_second: Number of items that only the second model gets right.

    >>> mcnemar(10, 2)
    0.03857421875
    """
    if not only_first + only_second:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def almost_stochastic_order(
    first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95
) -> StochasticOrder:
    """Compare the score distributions of two arms by almost stochastic order.

    It compares whole distributions instead of means, and ignores that the seeds are paired
    (Dror and others 2019, https://aclanthology.org/P19-1266; Ulmer and others 2022,
    https://arxiv.org/abs/2204.06815). The bound's bootstrap is unreliable below ten seeds.

    >>> almost_stochastic_order([0.7, 0.8, 0.9], [0.4, 0.5, 0.6])
    StochasticOrder(violation=0.0, bound=0.0)
    """
    one, other = _scores(first), _scores(second)
    violation = float(_violations(one, other))
    generator = np.random.default_rng(0)
    resampled = _violations(
        generator.choice(one, (RESAMPLES, len(one))),
        generator.choice(other, (RESAMPLES, len(other))),
    )
    bound = violation + float(norm.ppf(confidence)) * float(resampled.std())
    return StochasticOrder(violation, min(bound, 1.0))


def bca_interval(differences: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return the BCa bootstrap interval of the mean.

    With few seeds it is too narrow; ``simulated_coverage(bca_interval, 6)`` estimates its coverage.

    >>> low, high = bca_interval([0.01, 0.02, 0.03, 0.02, 0.01, 0.03])
    >>> 0.01 < low < high < 0.03
    True
    """
    values = _scores(differences)
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def simulated_coverage(
    interval: Callable[[Floats], Interval], pairs: int, *, simulations: int = 400
) -> float:
    """Return how often an interval contains the true mean of normal differences."""
    studies = np.random.default_rng(0).standard_normal((simulations, pairs))
    limits = [interval(study) for study in studies]
    return float(np.mean([low <= 0 <= high for low, high in limits]))


def _violations(first: Floats, second: Floats) -> Floats:
    """Return the exact violation ratio of samples (last axis), from their step functions."""
    sizes = first.shape[-1], second.shape[-1]
    edges = np.union1d(*(np.arange(size + 1) / size for size in sizes))
    middles = (edges[1:] + edges[:-1]) / 2
    one, other = (
        np.sort(scores)[..., (middles * size).astype(int)]
        for scores, size in zip((first, second), sizes, strict=True)
    )
    squared = np.diff(edges) * (one - other) ** 2
    total = squared.sum(axis=-1)
    violated = np.where(one < other, squared, 0.0).sum(axis=-1)
    # Equal samples get the ratio 0.5 by symmetry.
    ratios: Floats = np.divide(violated, total, out=np.full_like(total, 0.5), where=total > 0)
    return ratios


def _scores(values: ArrayLike) -> Floats:
    scores = np.asarray(values, dtype=float)
    if scores.ndim != 1 or len(scores) < 2 or not np.isfinite(scores).all():
        raise KGBertError(
            f"invalid scores {scores.tolist()}; give at least two finite numbers, one per seed.",
            code="invalid-scores",
        )
    return scores
