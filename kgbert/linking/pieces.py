"""Where the pieces between blanks lie in a text, and a hash that tells them apart."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kgbert.linking.hashing import RunHashes

#: Pieces up to this length have a hash: where a language writes no blanks, one is a sentence,
#: which hardly comes again.
LONGEST_HASHED = 64

#: The hash of longer pieces.
NO_HASH = np.uint64(0)

#: Characters hashed at once: few enough for the processor's cache.
_WINDOW = 1 << 13

#: By code point: what separates pieces. Higher ones are all letters or marks.
_BLANKS = np.array([chr(code).isspace() for code in range(0x3002)])
_ASCII_BLANKS = bytes(chr(code).isspace() for code in range(256))


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of a text that begins and ends with a blank, in reading order."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    breaks: NDArray[np.bool_]
    """Whether a blank line follows the piece."""
    hashes: NDArray[np.uint64]
    """The same for the same piece, NO_HASH for long ones."""


def pieces_in(text: str) -> Pieces:
    r"""Return the pieces of a text that begins and ends with a blank.

    >>> found = pieces_in("\nhigh fever,\n\nfever, \n")
    >>> found.starts.tolist(), found.ends.tolist(), found.breaks.tolist()
    ([1, 6, 14], [5, 12, 20], [False, True, False])
    >>> [bool(hashed == found.hashes[1]) for hashed in found.hashes]
    [False, True, True]
    """
    if text.isascii():
        ascii_ = text.encode("ascii")
        codes: NDArray[np.unsignedinteger] = np.frombuffer(ascii_, np.uint8)
        blank = np.frombuffer(ascii_.translate(_ASCII_BLANKS), np.bool_)
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        blank = _BLANKS[np.minimum(codes, len(_BLANKS) - 1)]
    edges = (blank[:-1] != blank[1:]).nonzero()[0] + 1
    starts, ends = edges[::2], edges[1::2]
    newlines = starts.searchsorted((codes == ord("\n")).nonzero()[0])
    breaks = np.bincount(newlines, minlength=len(starts) + 1)[1:] > 1
    return Pieces(starts, ends, breaks, _hashes(codes, starts, ends))


def _hashes(
    codes: NDArray[np.unsignedinteger], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    hashed = np.empty(len(starts), np.uint64)
    edges = starts.searchsorted(np.arange(0, len(codes) + _WINDOW, _WINDOW))
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        begin = number * _WINDOW
        window = codes[begin : begin + _WINDOW + LONGEST_HASHED]
        # One more than each code, lest characters at the begin of a piece count for nothing.
        row = RunHashes(np.add(window, 1, dtype=np.uint64))
        within = np.minimum(ends[first:last] - begin, len(window))
        hashed[first:last] = row.of(starts[first:last] - begin, within)
    hashed[ends - starts > LONGEST_HASHED] = NO_HASH
    return hashed
