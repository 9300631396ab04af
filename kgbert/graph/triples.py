"""A set of triples that stays small: each string once, and twelve bytes a triple."""

from array import array
from collections.abc import Container, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.graph import GraphError

Triple = tuple[str, str, str]
#: A row a triple: the numbers of its head, relation and tail.
Rows = NDArray[np.int32]

#: Rows that are worked on at a time.
_CHUNK = 1 << 18


class Triples:
    """Triples of strings; fifty million of them fit where a Python set holds two million.

    >>> triples = Triples([("b", "knows", "a"), ("a", "knows", "b"), ("b", "knows", "a")])
    >>> len(triples), sorted(triples), sorted(triples.heads())
    (2, [('a', 'knows', 'b'), ('b', 'knows', 'a')], ['a', 'b'])
    """

    def __init__(self, triples: Iterable[Triple] = ()) -> None:
        self._ends, self._relations = _Numbers(), _Numbers()
        self._chunks: list[Rows] = []
        self._pending = array("i")
        self._sorted = True
        self.update(triples)

    def add(self, head: str, relation: str, tail: str) -> None:
        """Add a triple."""
        ends = self._ends
        self._pending.extend((ends[head], self._relations[relation], ends[tail]))
        if len(self._pending) >= 3 * _CHUNK:
            self._flush()

    def update(self, triples: Iterable[Triple]) -> None:
        """Add several triples."""
        for head, relation, tail in triples:
            self.add(head, relation, tail)

    def __len__(self) -> int:
        return len(self._rows())

    def __iter__(self) -> Iterator[Triple]:
        return self._spelled(self._rows())

    def heads(self) -> set[str]:
        """Return what triples start at."""
        return self._used(0)

    def tails(self) -> set[str]:
        """Return what triples end at."""
        return self._used(2)

    def relations(self) -> set[str]:
        """Return the relations of the triples."""
        names = list(self._relations)
        return {names[number] for number in np.unique(self._rows()[:, 1]).tolist()}

    def keep_relations(self, wanted: Container[str]) -> None:
        """Remove the triples with other relations."""
        self._keep(_are_in(wanted, self._relations)[self._rows()[:, 1]])

    def keep_between(self, ends: Container[str]) -> None:
        """Remove the triples that start or end elsewhere."""
        kept, rows = _are_in(ends, self._ends), self._rows()
        self._keep(kept[rows[:, 0]] & kept[rows[:, 2]])

    def beyond(self, known: Container[str]) -> Iterator[Triple]:
        """Yield the triples that end at something unknown."""
        rows = self._rows()
        return self._spelled(rows[~_are_in(known, self._ends)[rows[:, 2]]])

    def renamed(self, ends: Mapping[str, str], relations: Mapping[str, str]) -> "Triples":
        """Return the triples between the given ends, under the names that these get."""
        result = Triples()
        numbers = np.fromiter(
            (result._ends[ends[end]] if end in ends else -1 for end in self._ends),
            np.int32,
            len(self._ends),
        )
        kinds = np.array(
            [result._relations[relations.get(name, name)] for name in self._relations], np.int32
        )
        rows = _mapped(self._rows(), numbers, kinds)
        result._append(rows[(rows[:, 0] >= 0) & (rows[:, 2] >= 0)])
        return result

    def absorb(self, other: "Triples") -> None:
        """Add the triples of another set, which is not to be changed afterwards."""
        if not self._ends:
            self._ends, self._relations = other._ends, other._relations
            self._append(other._rows())
            return
        numbers = np.array([self._ends[end] for end in other._ends], np.int32)
        kinds = np.array([self._relations[name] for name in other._relations], np.int32)
        self._append(_mapped(other._rows(), numbers, kinds))

    def positions(self, ends: Mapping[str, int]) -> tuple[Rows, list[str]]:
        """Return the triples between ends as the positions of these, sorted, and the relations.

        The numbers of relations are positions in the list, which is sorted too.
        """
        between = Triples()
        between._ends, between._relations = self._ends, self._relations
        between._append(self._rows())
        between.keep_between(ends)
        relations = sorted(between.relations())
        order = {name: position for position, name in enumerate(relations)}
        numbers = np.array([ends.get(end, -1) for end in self._ends], np.int32)
        kinds = np.array([order.get(name, -1) for name in self._relations], np.int32)
        return _distinct([_mapped(between._rows(), numbers, kinds)]), relations

    def _rows(self) -> Rows:
        """Return each triple once."""
        self._flush()
        if not self._sorted:
            self._chunks = [_distinct(self._chunks)]
            self._sorted = True
        return self._chunks[0] if self._chunks else np.zeros((0, 3), np.int32)

    def _flush(self) -> None:
        if self._pending:
            rows = np.array(self._pending, np.int32).reshape(-1, 3)
            self._pending = array("i")
            self._append(rows)

    def _append(self, rows: Rows) -> None:
        self._chunks.append(rows)
        self._sorted = False

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self._chunks = [self._rows()[kept]]

    def _used(self, column: int) -> set[str]:
        used = np.zeros(len(self._ends), np.bool_)
        used[self._rows()[:, column]] = True
        return {end for end, is_used in zip(self._ends, used.tolist(), strict=True) if is_used}

    def _spelled(self, rows: Rows) -> Iterator[Triple]:
        ends, relations = list(self._ends), list(self._relations)
        for head, relation, tail in rows.tolist():
            yield ends[head], relations[relation], ends[tail]


class _Numbers(dict[str, int]):
    """Strings and their numbers, in the order in which they were first asked for."""

    def __missing__(self, string: str) -> int:
        number = self[string] = len(self)
        return number


def _are_in(wanted: Container[str], strings: Mapping[str, int]) -> NDArray[np.bool_]:
    return np.fromiter((string in wanted for string in strings), np.bool_, len(strings))


def _mapped(rows: Rows, ends: NDArray[np.int32], relations: NDArray[np.int32]) -> Rows:
    return np.stack([ends[rows[:, 0]], relations[rows[:, 1]], ends[rows[:, 2]]], axis=1)


def _distinct(chunks: list[Rows]) -> Rows:
    """Return the rows of all chunks once each, sorted; the chunks are used up.

    A row is packed into one number, which sorts several times faster and needs less room.
    """
    largest = [max(int(chunk[:, place].max(initial=0)) for chunk in chunks) for place in range(3)]
    wide = max(largest[0], largest[2]).bit_length()
    narrow = largest[1].bit_length()
    if 2 * wide + narrow > 63:
        raise GraphError(
            f"{max(largest[0], largest[2]) + 1:,} entities with {largest[1] + 1:,} relations are "
            f"more than one graph can hold. Read a part: ReadOptions(relations=(...,))."
        )
    packed = np.empty(sum(map(len, chunks)), np.int64)
    filled = 0
    while chunks:
        chunk = chunks.pop()
        for part in _parts(len(chunk)):
            heads, relations, tails = chunk[part].T.astype(np.int64)
            row = (heads << (wide + narrow)) | (relations << wide) | tails
            packed[filled : filled + len(row)] = row
            filled += len(row)
        del chunk
    packed.sort()
    first = np.ones(len(packed), np.bool_)
    np.not_equal(packed[1:], packed[:-1], out=first[1:])
    packed = packed[first] if not first.all() else packed
    rows = np.empty((len(packed), 3), np.int32)
    for part in _parts(len(packed)):
        rows[part, 0] = packed[part] >> (wide + narrow)
        rows[part, 1] = (packed[part] >> wide) & ((1 << narrow) - 1)
        rows[part, 2] = packed[part] & ((1 << wide) - 1)
    return rows


def _parts(length: int) -> Iterator[slice]:
    """Yield slices that cover a length: what is computed on the way stays small."""
    for start in range(0, length, _CHUNK):
        yield slice(start, start + _CHUNK)
