"""A compact set of rows of three numbers, with twelve bytes a row."""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.storage.string_pool import IndexArray
from kgbert.utils.errors import GraphError, Remedy

#: Three numbers a row.
Rows = NDArray[np.int32]
#: The first, second and third numbers of rows.
Columns = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
Widths = tuple[int, int, int]

#: Rows that are processed at a time.
_CHUNK = 1 << 18


class RowSet:
    """A set of rows of three non-negative numbers.

    >>> rows = RowSet()
    >>> for row in ((2, 0, 1), (0, 0, 1), (2, 0, 1)):
    ...     rows.add(*row)
    >>> len(rows), rows.distinct().tolist()
    (2, [[0, 0, 1], [2, 0, 1]])
    """

    def __init__(self) -> None:
        self._chunks: list[Rows] = []
        self._pending = array("i")
        self._is_sorted = True

    def add(self, first: int, second: int, third: int) -> None:
        """Add a row."""
        self._pending.extend((first, second, third))
        if len(self._pending) >= 3 * _CHUNK:
            self._flush()

    def append(self, rows: Rows) -> None:
        """Add several rows."""
        self._chunks.append(rows)
        self._is_sorted = False

    def __len__(self) -> int:
        return len(self.distinct())

    def distinct(self) -> Rows:
        """Return each row once, sorted."""
        self._flush()
        if not self._is_sorted:
            columns = _distinct(_consume(self._chunks), *_size(self._chunks))
            self._chunks = [np.stack(columns, axis=1)]
            self._is_sorted = True
        return self._chunks[0] if self._chunks else np.zeros((0, 3), np.int32)

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Keep the marked rows of those that :meth:`distinct` returned, and remove the others."""
        if not kept.all():
            self._chunks = [self.distinct()[kept]]

    def move_from(
        self, other: "RowSet", first: IndexArray, second: IndexArray, third: IndexArray
    ) -> None:
        """Move the rows of another set here and translate their numbers; it is empty afterwards.

        Rows with a number whose translation is negative are left out.
        """
        other._flush()
        for rows in _translated(_consume(other._chunks), (first, second, third)):
            self.append(rows)

    def translated(self, first: IndexArray, second: IndexArray, third: IndexArray) -> Columns:
        """Return the columns of the distinct rows with translated numbers, sorted.

        Rows with a number whose translation is negative are left out.
        """
        self._flush()
        translations = (first, second, third)
        count = sum(map(len, self._chunks))
        return _distinct(_translated(self._chunks, translations), count, _widths(translations))

    def _flush(self) -> None:
        if self._pending:
            rows = np.array(self._pending, np.int32).reshape(-1, 3)
            self._pending = array("i")
            self.append(rows)


def _consume(chunks: list[Rows]) -> Iterator[Rows]:
    """Yield parts of chunks, and release each chunk after it was read."""
    while chunks:
        chunk = chunks.pop()
        for part in _parts(len(chunk)):
            yield chunk[part]


def _translated(
    chunks: Iterable[Rows], translations: tuple[IndexArray, IndexArray, IndexArray]
) -> Iterator[Rows]:
    for chunk in chunks:
        for part in _parts(len(chunk)):
            rows = np.stack(
                [numbers[chunk[part, place]] for place, numbers in enumerate(translations)], axis=1
            )
            yield rows[(rows >= 0).all(axis=1)]


def _size(chunks: list[Rows]) -> tuple[int, Widths]:
    """Return the number of rows, and the bit width of the largest number in each column."""
    first, second, third = (
        max(int(chunk[:, place].max(initial=0)) for chunk in chunks).bit_length()
        for place in range(3)
    )
    return sum(map(len, chunks)), (first, second, third)


def _widths(translations: tuple[IndexArray, IndexArray, IndexArray]) -> Widths:
    first, second, third = (int(each.max(initial=0)).bit_length() for each in translations)
    return first, second, third


def _distinct(parts: Iterable[Rows], count: int, widths: Widths) -> Columns:
    """Return the columns of the distinct rows, sorted.

    Each row is packed into one number, which sorts several times faster and uses less memory.
    """
    if sum(widths) > 63:
        raise GraphError(
            f"about {1 << max(widths):,} entities with {1 << widths[1]:,} relations are more than "
            f"one graph can contain. Read a part.",
            code="too-many-edges",
            remedies=[Remedy("relations", owner="ReadOptions")],
        )
    _, second, third = widths
    packed = np.empty(count, np.int64)
    filled = 0
    for part in parts:
        heads, relations, tails = part.T.astype(np.int64)
        packed[filled : filled + len(part)] = (
            (heads << (second + third)) | (relations << third) | tails
        )
        filled += len(part)
    packed = packed[:filled]
    packed.sort()
    first = np.ones(len(packed), np.bool_)
    np.not_equal(packed[1:], packed[:-1], out=first[1:])
    packed = packed[first] if not first.all() else packed
    columns = tuple(np.empty(len(packed), np.int32) for _ in range(3))
    for here in _parts(len(packed)):
        columns[0][here] = packed[here] >> (second + third)
        columns[1][here] = (packed[here] >> third) & ((1 << second) - 1)
        columns[2][here] = packed[here] & ((1 << third) - 1)
    return columns[0], columns[1], columns[2]


def _parts(length: int) -> Iterator[slice]:
    """Yield slices that cover a length, to limit the memory of temporary arrays."""
    for start in range(0, length, _CHUNK):
        yield slice(start, start + _CHUNK)
