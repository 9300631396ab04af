"""A set of names that stays small: whose they are, of which scope and language, and the text."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.storage.row_set import Rows, RowSet
from kgbert.graph.storage.string_pool import IndexArray, IndexPool, StringPool

#: (owner, position in SCOPES, language, text).
Named = tuple[str, int, str, str]

#: White space that is not one space between words.
_UNEVEN = ("  ", *(mark for mark in map(chr, range(1 << 16)) if mark.isspace() and mark != " "))


@dataclass(frozen=True, eq=False)
class NameColumns:
    """Names in the order of a graph: by owner, scope, language and text."""

    texts: StringColumn
    owners: NDArray[np.int32]
    scopes: NDArray[np.uint8]
    languages: NDArray[np.uint16]
    spoken: tuple[str, ...]


def normalize_spaces(texts: list[str]) -> list[str]:
    """Return texts with one space where they have white space, and none around them.

    >>> normalize_spaces([" heart  attack ", "fever"])
    ['heart attack', 'fever']
    """
    together = f" {' '.join(texts)} "
    # Most texts need not be taken apart.
    if not any(map(together.__contains__, _UNEVEN)):
        return texts
    return [" ".join(text.split()) for text in texts]


class NameSet:
    """Names of things, each once.

    >>> names = NameSet(StringPool())
    >>> names.add("HP:1", 0, "en", " Fever")
    >>> names.add("HP:1", 0, "en", "Fever")
    >>> names.add("HP:1", 0, "", "  ")
    >>> list(names)
    [('HP:1', 0, 'en', 'Fever')]
    """

    def __init__(self, terms: StringPool) -> None:
        self.terms = terms
        self._kinds: IndexPool[tuple[int, str]] = IndexPool()
        self._rows = RowSet()

    def add(self, owner: str, scope: int, language: str, text: str) -> None:
        """Add a name; white space is trimmed, empty names are ignored."""
        if text := " ".join(text.split()):
            terms = self.terms
            self._rows.add(terms[owner], self._kinds[scope, language], terms[text])

    def kind(self, scope: int, language: str) -> int:
        """Return the number of a scope and language."""
        return self._kinds[scope, language]

    def extend(self, owners: IndexArray, kinds: int | IndexArray, texts: list[str]) -> None:
        """Add names, a text an owner; all of one kind, or each of its own."""
        written = normalize_spaces(texts)
        rows = np.empty((len(owners), 3), np.int32)
        rows[:, 0], rows[:, 1], rows[:, 2] = owners, kinds, self.terms.numbers(written)
        self._rows.append(rows if all(written) else rows[np.array(written, np.bool_)])

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Named]:
        return self._spelled(self._rows.distinct())

    def used(self, place: int) -> NDArray[np.bool_]:
        """Return for each term whether it has a name (place 0) or is one (2)."""
        used = np.zeros(len(self.terms), np.bool_)
        used[self._rows.distinct()[:, place]] = True
        return used

    def owners(self) -> set[str]:
        """Return what has a name."""
        return set(self.terms.selected(self.used(0)))

    def of(self, owners: Set[str]) -> Iterator[Named]:
        """Yield the names of some owners."""
        rows = self._rows.distinct()
        return self._spelled(rows[self.terms.mask_of(owners)[rows[:, 0]]])

    def languages(self) -> set[str]:
        """Return the languages of the names."""
        kinds = list(self._kinds)
        return {kinds[kind][1] for kind in np.unique(self._rows.distinct()[:, 1]).tolist()}

    def keep_languages(self, wanted: Set[str]) -> None:
        """Remove the names in other languages."""
        kept = np.array([language in wanted for _, language in self._kinds], np.bool_)
        self._rows.keep(kept[self._rows.distinct()[:, 1]])

    def keep_owners(self, owners: NDArray[np.bool_]) -> None:
        """Remove the names of terms that are not marked."""
        self._rows.keep(owners[self._rows.distinct()[:, 0]])

    def take_over(self, other: "NameSet", owners: IndexArray | None = None) -> None:
        """Move the names of another set here.

        Args:
            other: The set; it is empty afterwards.
            owners: The number here of each of its terms as an owner, if the terms are the same;
                names of those that have none are dropped.
        """
        texts = np.arange(len(other.terms), dtype=np.int32)
        if other.terms is not self.terms:
            owners = texts = np.array([self.terms[term] for term in other.terms], np.int32)
        kinds = np.array([self._kinds[kind] for kind in other._kinds], np.int32)
        self._rows.take(other._rows, texts if owners is None else owners, kinds, texts)

    def columns(self, owners: IndexArray) -> NameColumns:
        """Return the names in columns; ``owners`` is the number that each owner gets."""
        # Not said and English come first, so that the best name of an entity is one of them.
        spoken = sorted(self.languages() | {""}, key=_english_first)
        tongues = {language: place for place, language in enumerate(spoken)}
        kinds = [(scope, tongues.get(language, 0)) for scope, language in self._kinds]
        places, said, texts = self._rows.translated(
            owners,
            np.array([scope << 16 | tongue for scope, tongue in kinds], np.int32),
            np.arange(len(self.terms), dtype=np.int32),
        )
        selected = list(self.terms)
        written = [selected[text] for text in texts.tolist()]
        # Only the names of one entity and kind are sorted as strings, not all names there are.
        for start, end in _runs(places, said):
            written[start:end] = sorted(written[start:end])
        return NameColumns(
            StringColumn.of(written),
            places,
            (said >> 16).astype(np.uint8),
            (said & 0xFFFF).astype(np.uint16),
            tuple(spoken),
        )

    def _spelled(self, rows: Rows) -> Iterator[Named]:
        terms, kinds = list(self.terms), list(self._kinds)
        for owner, kind, text in rows.tolist():
            yield terms[owner], *kinds[kind], terms[text]


def _runs(places: IndexArray, said: IndexArray) -> Iterator[tuple[int, int]]:
    """Yield where several names in a row are of one entity and kind: start and end."""
    changes = np.flatnonzero((places[1:] != places[:-1]) | (said[1:] != said[:-1])) + 1
    starts, ends = np.append(0, changes), np.append(changes, len(places))
    several = ends - starts > 1
    return zip(starts[several].tolist(), ends[several].tolist(), strict=True)


def _english_first(language: str) -> tuple[bool, bool, str]:
    return language != "", language != "en", language
