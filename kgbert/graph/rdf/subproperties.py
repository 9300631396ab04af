"""Statements of unknown predicates, which may be sub-properties of known ones."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from kgbert.graph.core.vocabulary import by_local_name

#: Most pending statements of unknown predicates; Wikidata has more that are never used.
_MOST_PENDING = 1 << 20


class StatementBatch(NamedTuple):
    """Statements of one predicate."""

    predicate: str
    language: str | None
    """The language of texts; None if the statements are edges."""
    subjects: list[str]
    objects: list[str]


class UnknownPredicates:
    """Pending statements whose predicates are resolved after all sub-properties are known.

    A predicate is read as its nearest known super-property. A text property without one is read
    by its local name (``definition``, ``synonym`` ...).

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
        """Unresolved text properties, with the number of their values."""
        self.by_local_name: Counter[tuple[str, str]] = Counter()
        """(property, the known property of its local name), with the number of values."""
        self._texts, self._relations = texts, relations
        self._pending: list[StatementBatch] = []
        self._room = _MOST_PENDING
        self._lost: Counter[tuple[str, bool]] = Counter()

    def add(self, batch: StatementBatch) -> StatementBatch | None:
        """Store statements; without room, return them with the predicate that is known so far."""
        self._room -= len(batch.subjects)
        if self._room >= 0:
            self._pending.append(batch)
            return None
        resolved = self._resolve(batch)
        if resolved is None:
            self._lost[batch.predicate, batch.language is None] += len(batch.subjects)
        return resolved

    def add_superproperties(self, predicates: Iterable[str], above: Iterable[str]) -> None:
        """Add the super-property of each predicate."""
        for predicate, other in zip(predicates, above, strict=True):
            self.superproperties[predicate].append(other)

    def resolved(self) -> Iterator[StatementBatch]:
        """Yield texts with their nearest known super-property, and edges of known relations."""
        yield from filter(None, map(self._resolve, self._pending))

    def lost(self) -> Counter[str]:
        """Return the predicates that were resolved after some of their statements were dropped."""
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
        """Return the nearest known super-property; of equally near ones the first by name."""
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
