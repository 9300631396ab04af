"""Statements under unknown predicates, which may be sub-properties of known ones."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from kgbert.graph.core.vocabulary import by_local_name

#: Statements that wait for what their predicate is; Wikidata has more that are never used.
_MOST_WAITING = 1 << 20


class StatementBatch(NamedTuple):
    """Statements of one predicate."""

    predicate: str
    language: str | None
    """Of texts; None where the statements are edges."""
    subjects: list[str]
    objects: list[str]


class UnknownPredicates:
    """Statements that wait until it is known what their predicates are.

    A predicate is read as the nearest known one above it; without any, a text property is read as
    its local name says (``definition``, ``synonym`` ...).

    >>> unknown = UnknownPredicates(texts={"http://a.org/name"})
    >>> unknown.add(StatementBatch("http://a.org/nickname", "en", ["http://a.org/b"], ["bee"]))
    >>> unknown.add_superproperties(["http://a.org/nickname"], ["http://a.org/name"])
    >>> [batch.predicate for batch in unknown.resolved()]
    ['http://a.org/name']
    """

    def __init__(self, *, texts: Container[str] = (), relations: Container[str] = ()) -> None:
        """Start with the known predicates of texts, and the known relations."""
        self.superproperties: defaultdict[str, list[str]] = defaultdict(list)
        self.unused: Counter[str] = Counter()
        """Text properties that are not understood, with the number of their values."""
        self.by_local_name: Counter[tuple[str, str]] = Counter()
        """(property, what it is read as) where its local name decided, and the number of values."""
        self._texts, self._relations = texts, relations
        self._waiting: list[StatementBatch] = []
        self._room = _MOST_WAITING
        self._lost: Counter[tuple[str, bool]] = Counter()

    def add(self, batch: StatementBatch) -> StatementBatch | None:
        """Keep statements; where there is no room, return what they are known to be by now."""
        self._room -= len(batch.subjects)
        if self._room >= 0:
            self._waiting.append(batch)
            return None
        resolved = self._resolve(batch)
        if resolved is None:
            self._lost[batch.predicate, batch.language is None] += len(batch.subjects)
        return resolved

    def add_superproperties(self, predicates: Iterable[str], above: Iterable[str]) -> None:
        """Add which predicate each of some is a sub-property of."""
        for predicate, other in zip(predicates, above, strict=True):
            self.superproperties[predicate].append(other)

    def resolved(self) -> Iterator[StatementBatch]:
        """Yield texts under the known predicate above theirs, and edges of known relations."""
        yield from filter(None, map(self._resolve, self._waiting))

    def lost(self) -> Counter[str]:
        """Return the predicates that turned out to be known too late for some statements."""
        return Counter(
            {
                predicate: count
                for (predicate, is_edge), count in self._lost.items()
                if self._known_above(predicate, self._relations if is_edge else self._texts)
            }
        )

    def _resolve(self, batch: StatementBatch) -> StatementBatch | None:
        predicate = batch.predicate
        if batch.language is None:
            return batch if self._known_above(predicate, self._relations) else None
        known = self._known_above(predicate, self._texts)
        if known is None and (known := by_local_name(predicate)):
            self.by_local_name[predicate, known] += len(batch.subjects)
        if not known:
            self.unused[predicate] += len(batch.subjects)
            return None
        return batch._replace(predicate=known)

    def _known_above(self, predicate: str, known: Container[str]) -> str | None:
        """Return the nearest known predicate above one; of equally near ones the first by name."""
        level, seen = [predicate], {predicate}
        while level:
            if candidates := [each for each in level if each in known]:
                return min(candidates)
            level = [
                above
                for each in level
                for above in self.superproperties.get(each, ())
                if above not in seen
            ]
            seen.update(level)
        return None
