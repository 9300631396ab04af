"""What a number of seeds can show: the smallest p, and the smallest effect."""

import math
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from kgbert.utils.errors import KGBertError

ALPHA = 0.05
POWER = 0.8
#: Up to this many seeds the detectable effect is simulated; beyond, a formula is as good.
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
    """Return the true difference that the sign-flip test at 5 % finds with the given power.

    ``sd`` is the standard deviation of the paired differences, taken as normal. None where so
    few seeds cannot reach 5 % whatever the effect.

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
    """Say what a number of seeds can show, before anybody knows how far they will spread.

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
    """Return about how many seeds show a true difference with the given power.

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

    The test finds a shift as soon as the shift lifts the lower limit of the interval above zero,
    so the effect wanted is a quantile of how far below zero that limit lies without a shift.
    """
    noise = np.random.default_rng(0).standard_normal((SIMULATIONS, seeds))
    patterns = (np.arange(1, 2**seeds)[:, None] >> np.arange(seeds)) & 1
    means = noise @ (patterns / patterns.sum(axis=1, keepdims=True)).T
    rank = int(ALPHA / 2 * 2**seeds)
    lower = np.partition(means, rank - 1, axis=1)[:, rank - 1]
    return float(np.quantile(-lower, power))
