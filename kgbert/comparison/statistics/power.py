"""Statistical power: the smallest p and the smallest detectable effect of a number of seeds."""

import math
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from kgbert.utils.errors import KGBertError

ALPHA = 0.05
POWER = 0.8
#: Up to this many seeds the detectable effect is simulated; beyond, a formula is accurate.
SIMULATED_LIMIT = 10
SIMULATIONS = 4_000


def smallest_p(seeds: int) -> float:
    """Return the smallest two-sided p that the sign-flip test can reach.

    >>> smallest_p(3), smallest_p(6)
    (0.25, 0.03125)
    """
    return min(1.0, 2.0 ** (1 - seeds))


def seeds_needed(comparisons: int = 1, *, alpha: float = ALPHA) -> int:
    """Return the fewest seeds with which a family of comparisons can be significant under Holm.

    >>> seeds_needed(), seeds_needed(7)
    (6, 9)
    """
    if comparisons < 1 or not 0 < alpha < 1:
        raise KGBertError(
            f"comparisons={comparisons}, alpha={alpha}: the number of comparisons must be at least "
            "1, and alpha between 0 and 1.",
            code="invalid-alpha",
        )
    seeds = 1
    while comparisons * smallest_p(seeds) >= alpha:
        seeds += 1
    return seeds


def detectable_effect(sd: float, seeds: int, *, power: float = POWER) -> float | None:
    """Return the true difference that the sign-flip test at 5 % detects with the given power.

    ``sd`` is the standard deviation of the paired differences, assumed normal. The result is None
    where the seeds are too few for p < 5 % with any effect.

    >>> detectable_effect(0.01, 5) is None
    True
    >>> round(detectable_effect(0.01, 20), 4)
    0.0066
    """
    if seeds < seeds_needed():
        return None
    if seeds <= SIMULATED_LIMIT:
        return sd * _simulated_effect(seeds, power)
    z = float(norm.ppf(1 - ALPHA / 2))
    return sd * (z + float(norm.ppf(power))) / math.sqrt(seeds - z * z / 2)


def detectable_before(seeds: int) -> str:
    """Return a sentence on the detectable gain, before the variance between seeds is known.

    >>> detectable_before(6)
    'With 6 seeds a true gain of 1.8 points is found in four of five comparisons where the ...'
    >>> detectable_before(4)
    'With 4 seeds no gain can be shown, however large; it takes 6.'
    """
    effect = detectable_effect(1.0, seeds)
    if effect is None:
        return f"With {seeds} seeds no gain can be shown, however large; it takes {seeds_needed()}."
    return (
        f"With {seeds} seeds a true gain of {effect:.1f} points is found in four of five "
        f"comparisons where the paired differences spread by 1 point, and {2 * effect:.1f} points "
        f"where they spread by 2."
    )


def seeds_to_detect(effect: float, sd: float, *, power: float = POWER) -> int:
    """Return about how many seeds detect a true difference with the given power.

    >>> seeds_to_detect(0.01, sd=0.01)
    11
    """
    if effect <= 0:
        raise KGBertError(
            f"effect {effect} must be above zero; give the gain to be detected.",
            code="invalid-effect",
        )
    for seeds in range(seeds_needed(), SIMULATED_LIMIT + 1):
        if sd * _simulated_effect(seeds, power) <= effect:
            return seeds
    z = float(norm.ppf(1 - ALPHA / 2))
    # Guenther's correction of the normal formula for the estimated standard deviation.
    count = ((z + float(norm.ppf(power))) * sd / effect) ** 2 + z * z / 2
    return max(SIMULATED_LIMIT + 1, math.ceil(count))


@lru_cache(maxsize=64)
def _simulated_effect(seeds: int, power: float) -> float:
    """Return the detectable effect in standard deviations.

    The test detects a shift if it moves the lower limit of the interval above zero. So the effect
    is a quantile of the limit's distance below zero without a shift.
    """
    noise = np.random.default_rng(0).standard_normal((SIMULATIONS, seeds))
    patterns = (np.arange(1, 2**seeds)[:, None] >> np.arange(seeds)) & 1
    means = noise @ (patterns / patterns.sum(axis=1, keepdims=True)).T
    rank = int(ALPHA / 2 * 2**seeds)
    lower = np.partition(means, rank - 1, axis=1)[:, rank - 1]
    return float(np.quantile(-lower, power))
