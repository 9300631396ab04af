"""Statements under an ontology's own predicates, which may be kinds of others that are known."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

#: Statements that wait for what their predicate is; Wikidata has more that are never asked for.
_ROOM = 1 << 20


class StatementBatch(NamedTuple):
    """Statements of one predicate."""

    predicate: str
    language: str | None
    """Of texts; None where the statements are edges."""
    subjects: list[str]
    objects: list[str]


class UnknownPredicates:
    """Statements whose predicate is not known, until it is known what the predicates are.

    >>> own = UnknownPredicates(texts={"http://a.org/name"})
    >>> own.add(StatementBatch("http://a.org/nickname", "en", ["http://a.org/b"], ["bee"]))
    >>> own.place(["http://a.org/nickname"], ["http://a.org/name"])
    >>> [said.predicate for said in own.resolved()]
    ['http://a.org/name']
    """

    def __init__(self, *, texts: Container[str] = (), relations: Container[str] = ()) -> None:
        """Know the predicates of texts, and the relations, of which others may be kinds."""
        self.above: defaultdict[str, list[str]] = defaultdict(list)
        self._texts, self._relations = texts, relations
        self._waiting: list[StatementBatch] = []
        self._room = _ROOM
        self._lost: Counter[tuple[str, bool]] = Counter()

    def add(self, said: StatementBatch) -> StatementBatch | None:
        """Set statements aside; where there is no room, return what they are known to be by now."""
        self._room -= len(said.subjects)
        if self._room >= 0:
            self._waiting.append(said)
            return None
        found = self._understood(said)
        if found is None:
            self._lost[said.predicate, said.language is None] += len(said.subjects)
        return found

    def place(self, predicates: Iterable[str], above: Iterable[str]) -> None:
        """Note which predicate each of some is a kind of."""
        for predicate, other in zip(predicates, above, strict=True):
            self.above[predicate].append(other)

    def resolved(self) -> Iterator[StatementBatch]:
        """Yield texts under a kind of a predicate that is known, with that; and known edges."""
        yield from filter(None, map(self._understood, self._waiting))

    def lost(self) -> Counter[str]:
        """Return the predicates that turned out to be known too late for some statements."""
        return Counter(
            {
                predicate: count
                for (predicate, is_edge), count in self._lost.items()
                if self._ancestor(predicate, self._relations if is_edge else self._texts)
            }
        )

    def _understood(self, said: StatementBatch) -> StatementBatch | None:
        if said.language is None:
            return said if self._ancestor(said.predicate, self._relations) else None
        ancestor = self._ancestor(said.predicate, self._texts)
        return said._replace(predicate=ancestor) if ancestor else None

    def _ancestor(self, predicate: str, known: Container[str]) -> str | None:
        """Return the nearest known predicate above one; of equally near ones the first by name."""
        level, seen = [predicate], {predicate}
        while level:
            if found := [each for each in level if each in known]:
                return min(found)
            level = [
                above for each in level for above in self.above.get(each, ()) if above not in seen
            ]
            seen.update(level)
        return None
