"""Vectorized hashes of arbitrary runs of a sequence of codes."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(GOLDEN), -1, 1 << 64))

#: Powers are cached for sequences up to this length.
_SHORT_ROW = 1 << 14


class RunHashes:
    """64-bit hashes of runs of a sequence, computed from prefix sums of its codes.

    The hash of positions i to j is the sum of code k times G^(j - k), modulo 2^64, so equal runs
    have equal hashes at any position. G is odd and has an inverse, so the sum is G^j times the
    difference of two prefix sums.

    >>> row = RunHashes(np.array([7, 1, 2, 5, 1, 2], np.uint64))
    >>> first, second, third = row.of(np.array([1, 4, 3]), np.array([3, 6, 5])).tolist()
    >>> first == second, first == third
    (True, False)
    """

    def __init__(self, codes: NDArray[np.uint64]) -> None:
        self._sums = np.zeros(len(codes) + 1, np.uint64)
        (codes * _powers(int(_INVERSE), len(codes))).cumsum(out=self._sums[1:])
        self._powers = _powers(int(GOLDEN), len(codes))

    def of(self, first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the hashes of non-empty runs, given where each begins and ends."""
        hashed: NDArray[np.uint64] = self._powers[end - 1] * (self._sums[end] - self._sums[first])
        return hashed


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """Return the powers of a base with exponents 0, 1, 2 ..., modulo 2^64."""
    return _short(base)[:count] if count <= _SHORT_ROW else _computed(base, count)


@lru_cache(maxsize=2)
def _short(base: int) -> NDArray[np.uint64]:
    return _computed(base, _SHORT_ROW)


def _computed(base: int, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
