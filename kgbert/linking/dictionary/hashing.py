"""Hashes of any runs of a row of numbers, all at once."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(GOLDEN), -1, 1 << 64))

#: Rows up to this length find their powers computed before.
_SHORT_ROW = 1 << 14


class RunHashes:
    """64-bit hashes of runs of a row, from the sums of its codes.

    The hash of places i to j is the sum of code k times G^(j - k), modulo 2^64, so that equal
    runs have equal hashes wherever they stand. G is odd and has an inverse, so that the sum is
    G^j times a difference of two sums over the whole row.

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
        """Return the hashes of the runs that begin and end there, none of them empty."""
        hashed: NDArray[np.uint64] = self._powers[end - 1] * (self._sums[end] - self._sums[first])
        return hashed


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """Return base to the power of 0, 1, 2 and so on, modulo 2^64."""
    return _short(base)[:count] if count <= _SHORT_ROW else _computed(base, count)


@lru_cache(maxsize=2)
def _short(base: int) -> NDArray[np.uint64]:
    return _computed(base, _SHORT_ROW)


def _computed(base: int, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
