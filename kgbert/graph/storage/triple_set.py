"""A compact set of triples: interned strings, and twelve bytes a triple."""

from collections.abc import Iterable, Iterator, Mapping, Set

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.storage.row_set import Columns, Rows, RowSet
from kgbert.graph.storage.string_pool import IndexArray, StringPool

Triple = tuple[str, str, str]


class TripleSet:
    """A set of triples of strings; it uses 4 % of the memory of a Python set.

    >>> triples = TripleSet([("b", "knows", "a"), ("a", "knows", "b"), ("b", "knows", "a")])
    >>> len(triples), sorted(triples), sorted(triples.heads())
    (2, [('a', 'knows', 'b'), ('b', 'knows', 'a')], ['a', 'b'])
    """

    def __init__(self, triples: Iterable[Triple] = (), *, terms: StringPool | None = None) -> None:
        """Create a set of triples; it can share ``terms`` with other sets."""
        self.terms = StringPool() if terms is None else terms
        self._relations = StringPool()
        self._rows = RowSet()
        self.update(triples)

    def add(self, head: str, relation: str, tail: str) -> None:
        """Add a triple."""
        terms = self.terms
        self._rows.add(terms[head], self._relations[relation], terms[tail])

    def extend(self, heads: IndexArray, relation: str, tails: IndexArray) -> None:
        """Add triples of one relation from each head to the tail at the same position."""
        rows = np.empty((len(heads), 3), np.int32)
        rows[:, 0], rows[:, 1], rows[:, 2] = heads, self._relations[relation], tails
        self._rows.append(rows)

    def update(self, triples: Iterable[Triple]) -> None:
        """Add several triples."""
        for head, relation, tail in triples:
            self.add(head, relation, tail)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Triple]:
        return self._spelled(self._rows.distinct())

    def heads(self) -> set[str]:
        """Return the heads of the triples."""
        return set(self.terms.selected(self.used(0)))

    def tails(self) -> set[str]:
        """Return the tails of the triples."""
        return set(self.terms.selected(self.used(2)))

    def used(self, place: int) -> NDArray[np.bool_]:
        """Return for each term whether it is a head (place 0) or a tail (place 2) of a triple."""
        used = np.zeros(len(self.terms), np.bool_)
        used[self._rows.distinct()[:, place]] = True
        return used

    def tails_of(self, heads: NDArray[np.bool_], relations: Set[str]) -> NDArray[np.bool_]:
        """Return for each term whether it is the tail of a triple of some heads and relations."""
        rows = self._rows.distinct()
        used = np.zeros(len(self.terms), np.bool_)
        wanted = np.array([name in relations for name in self._relations], np.bool_)
        used[rows[heads[rows[:, 0]] & wanted[rows[:, 1]], 2]] = True
        return used

    def count_tails(self, tails: NDArray[np.bool_]) -> int:
        """Return the number of triples that end at a marked term."""
        return int(tails[self._rows.distinct()[:, 2]].sum())

    def relations(self) -> set[str]:
        """Return the relations of the triples."""
        used = np.zeros(len(self._relations), np.bool_)
        used[self._rows.distinct()[:, 1]] = True
        return set(self._relations.selected(used))

    def ends(self, relation: str) -> tuple[IndexArray, IndexArray]:
        """Return the heads and the tails of the triples of a relation, aligned."""
        rows = self._rows.distinct()
        found = rows[rows[:, 1] == self._relations[relation]]
        return found[:, 0], found[:, 2]

    def invert(self, relation: str, inverse: str) -> None:
        """Replace the triples of a relation by those of its inverse."""
        if relation in self.relations():
            heads, tails = self.ends(relation)
            self.extend(tails, inverse, heads)
            self.keep_relations(self.relations() - {relation})

    def redirect(self, tails: IndexArray) -> None:
        """Replace each tail by the term whose number ``tails`` has at its position."""
        same = np.arange(len(self.terms), dtype=np.int32)
        relations = np.arange(len(self._relations), dtype=np.int32)
        redirected = RowSet()
        redirected.move_from(self._rows, same, relations, tails)
        self._rows = redirected

    def keep_relations(self, wanted: Set[str]) -> None:
        """Remove the triples with other relations."""
        kept = np.array([name in wanted for name in self._relations], np.bool_)
        self._rows.keep(kept[self._rows.distinct()[:, 1]])

    def keep_between(self, ends: NDArray[np.bool_]) -> None:
        """Remove the triples whose head or tail is not marked."""
        rows = self._rows.distinct()
        self._rows.keep(ends[rows[:, 0]] & ends[rows[:, 2]])

    def keep_heads(self, heads: NDArray[np.bool_]) -> None:
        """Remove the triples whose head is not marked."""
        self._rows.keep(heads[self._rows.distinct()[:, 0]])

    def leaving(self, known: NDArray[np.bool_]) -> Iterator[Triple]:
        """Yield the triples whose tail is not marked."""
        rows = self._rows.distinct()
        return self._spelled(rows[~known[rows[:, 2]]])

    def not_between(self, ends: NDArray[np.bool_]) -> Iterator[Triple]:
        """Yield the triples whose head or tail is not marked."""
        rows = self._rows.distinct()
        return self._spelled(rows[~(ends[rows[:, 0]] & ends[rows[:, 2]])])

    def drop_loops(self, relations: Set[str]) -> list[Triple]:
        """Remove the triples of some relations from a term to itself, and return them."""
        rows = self._rows.distinct()
        wanted = np.array([name in relations for name in self._relations], np.bool_)
        is_loop = (rows[:, 0] == rows[:, 2]) & wanted[rows[:, 1]]
        if not is_loop.any():
            return []
        loops = list(self._spelled(rows[is_loop]))
        self._rows.keep(~is_loop)
        return loops

    def rename_relations(self, names: Mapping[str, str]) -> None:
        """Rename relations; two with the same new name become one."""
        relations = StringPool()
        numbers = np.array([relations[names.get(name, name)] for name in self._relations], np.int32)
        same = np.arange(len(self.terms), dtype=np.int32)
        renamed = RowSet()
        renamed.move_from(self._rows, same, numbers, same)
        self._relations, self._rows = relations, renamed

    def take_over(self, other: "TripleSet", ends: IndexArray | None = None) -> None:
        """Move the triples of another set here.

        Args:
            other: The set; it is empty afterwards.
            ends: The number of each of its terms in this set; triples with a negative one are
                dropped.
        """
        if ends is None and other.terms is self.terms:
            ends = np.arange(len(self.terms), dtype=np.int32)
        elif ends is None:
            ends = np.array([self.terms[end] for end in other.terms], np.int32)
        relations = np.array([self._relations[name] for name in other._relations], np.int32)
        self._rows.move_from(other._rows, ends, relations, ends)

    def columns(self, heads: IndexArray, tails: IndexArray) -> tuple[Columns, list[str]]:
        """Return the columns of the sorted triples, and the sorted relations in them.

        Args:
            heads: The new number of each head; triples with a negative number are left out.
            tails: The new number of each tail.
        """
        relations = sorted(self.relations())
        columns = self._rows.translated(heads, self._relations.places(relations), tails)
        used = np.unique(columns[1])
        if len(used) == len(relations):
            return columns, relations
        places = np.zeros(len(relations), np.int32)
        places[used] = np.arange(len(used), dtype=np.int32)
        return (columns[0], places[columns[1]], columns[2]), [relations[place] for place in used]

    def _spelled(self, rows: Rows) -> Iterator[Triple]:
        ends, relations = list(self.terms), list(self._relations)
        for head, relation, tail in rows.tolist():
            yield ends[head], relations[relation], ends[tail]
