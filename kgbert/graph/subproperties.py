"""Texts under an ontology's own predicates, which may be a kind of name or definition."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator

#: Texts that wait for what their predicate is; Wikidata has more that are never asked for.
_ROOM = 1 << 20

#: Predicate, language, subjects and the text that each has.
_Told = tuple[str, str, list[str], list[str]]


class OwnPredicates:
    """Texts whose predicate is not known, until it is known what the predicates are.

    >>> own = OwnPredicates()
    >>> own.add("http://a.org/nickname", "en", ["http://a.org/b"], ["bee"])
    >>> own.place(["http://a.org/nickname"], ["http://a.org/name"])
    >>> list(own.understood({"http://a.org/name"}))
    [('http://a.org/name', 'en', ['http://a.org/b'], ['bee'])]
    """

    def __init__(self) -> None:
        self._told: list[_Told] = []
        self._above: defaultdict[str, list[str]] = defaultdict(list)
        self._room = _ROOM

    def add(self, predicate: str, language: str, subjects: list[str], texts: list[str]) -> None:
        """Set texts aside, as many as there is room for."""
        self._room -= len(texts)
        if self._room >= 0:
            self._told.append((predicate, language, subjects, texts))

    def place(self, predicates: Iterable[str], above: Iterable[str]) -> None:
        """Note which predicate each of some is a kind of."""
        for predicate, other in zip(predicates, above, strict=True):
            self._above[predicate].append(other)

    def understood(self, known: Container[str]) -> Iterator[_Told]:
        """Yield the texts under a kind of a predicate that is known, with that."""
        for predicate, language, subjects, texts in self._told:
            if (ancestor := self._ancestor(predicate, known)) is not None:
                yield ancestor, language, subjects, texts

    def _ancestor(self, predicate: str, known: Container[str]) -> str | None:
        """Return the nearest known predicate above one; of equally near ones the first by name."""
        level, seen = [predicate], {predicate}
        while level:
            if found := [each for each in level if each in known]:
                return min(found)
            level = [above for each in level for above in self._above[each] if above not in seen]
            seen.update(level)
        return None
