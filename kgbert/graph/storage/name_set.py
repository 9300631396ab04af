"""A compact set of names: owner, scope, language and text."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.storage.row_set import Columns, Rows, RowSet
from kgbert.graph.storage.string_pool import IndexArray, IndexPool, StringPool

#: Position in SCOPES of preferred names.
_PREFERRED = 0
#: (owner, position in SCOPES, language, text).
Named = tuple[str, int, str, str]

#: White space other than single spaces.
_UNEVEN = ("  ", *(mark for mark in map(chr, range(1 << 16)) if mark.isspace() and mark != " "))


@dataclass(frozen=True, eq=False)
class NameColumns:
    """The columns of names, sorted by owner, scope, language and text."""

    texts: StringColumn
    owners: NDArray[np.int32]
    scopes: NDArray[np.uint8]
    language_indices: NDArray[np.uint16]
    languages: tuple[str, ...]


def normalize_spaces(texts: list[str]) -> list[str]:
    """Return texts with single spaces instead of other white space, and none at the ends.

    >>> normalize_spaces([" heart  attack ", "fever"])
    ['heart attack', 'fever']
    """
    together = f" {' '.join(texts)} "
    # Most texts are already normalized, so one search of all avoids splitting each.
    if not any(map(together.__contains__, _UNEVEN)):
        return texts
    return [" ".join(text.split()) for text in texts]


def english_first(language: str) -> tuple[bool, bool, str]:
    """Return the sort key of a language: none and English come first, because the first counts.

    >>> sorted(["de", "en", ""], key=english_first)
    ['', 'en', 'de']
    """
    return language != "", language != "en", language


class NameSet:
    """A set of names.

    Of several preferred names in one language only the first stays preferred; the others become
    exact synonyms in :meth:`columns`. The first is the one with the lowest rank; of equal ranks,
    the one that was added first.

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
        # Rank -> preferred names in the order of addition, including names that were removed since.
        self._preferred: defaultdict[int, list[Rows]] = defaultdict(list)
        self._pending = array("i")

    def add(self, owner: str, scope: int, language: str, text: str) -> None:
        """Add a name; white space is trimmed, empty names are ignored."""
        if text := " ".join(text.split()):
            row = self.terms[owner], self._kinds[scope, language], self.terms[text]
            self._rows.add(*row)
            if scope == _PREFERRED:
                self._pending.extend(row)

    def kind(self, scope: int, language: str) -> int:
        """Return the number of a scope and language."""
        return self._kinds[scope, language]

    def extend(
        self, owners: IndexArray, kinds: int | IndexArray, texts: list[str], rank: int = 0
    ) -> None:
        """Add one name for each owner; ``kinds`` is one kind for all, or one for each name.

        Args:
            owners: Indices of the owners among the terms.
            kinds: What :meth:`kind` returned.
            texts: The names.
            rank: Priority of the preferred names among them; the lowest wins.
        """
        written = normalize_spaces(texts)
        rows = np.empty((len(owners), 3), np.int32)
        rows[:, 0], rows[:, 1], rows[:, 2] = owners, kinds, self.terms.numbers(written)
        rows = rows if all(written) else rows[np.array(written, np.bool_)]
        self._rows.append(rows)
        preferred = rows[self._is_preferred()[rows[:, 1]]]
        if len(preferred):
            self._flush()
            self._preferred[rank].append(preferred)

    def _is_preferred(self) -> NDArray[np.bool_]:
        return np.array([scope == _PREFERRED for scope, _ in self._kinds], np.bool_)

    def _flush(self) -> None:
        if self._pending:
            self._preferred[0].append(np.array(self._pending, np.int32).reshape(-1, 3))
            self._pending = array("i")

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Named]:
        return self._spelled(self._rows.distinct())

    def used(self, place: int) -> NDArray[np.bool_]:
        """Return for each term whether it is an owner (place 0) or a name (place 2)."""
        used = np.zeros(len(self.terms), np.bool_)
        used[self._rows.distinct()[:, place]] = True
        return used

    def owners(self) -> set[str]:
        """Return the owners of the names."""
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
            owners: The new number of each of its terms as an owner, if both sets share their
                terms; names of owners with a negative number are dropped.
        """
        texts = np.arange(len(other.terms), dtype=np.int32)
        if other.terms is not self.terms:
            owners = texts = np.array([self.terms[term] for term in other.terms], np.int32)
        owners = texts if owners is None else owners
        kinds = np.array([self._kinds[kind] for kind in other._kinds], np.int32)
        self._flush()
        other._flush()
        for rank, chunks in other._preferred.items():
            for rows in chunks:
                moved = np.stack([owners[rows[:, 0]], kinds[rows[:, 1]], texts[rows[:, 2]]], axis=1)
                self._preferred[rank].append(moved[moved[:, 0] >= 0])
        other._preferred.clear()
        self._rows.move_from(other._rows, owners, kinds, texts)

    def columns(self, owners: IndexArray) -> NameColumns:
        """Return the names in columns; ``owners`` is the index that each owner gets."""
        # Names without a language and English names come first, because the first one is displayed.
        languages = sorted(self.languages() | {""}, key=english_first)
        positions = {language: position for position, language in enumerate(languages)}
        kinds = np.array(
            [
                scope << 16 | positions[language] if language in positions else -1
                for scope, language in self._kinds
            ],
            np.int32,
        )
        texts = np.arange(len(self.terms), dtype=np.int32)
        columns = self._rows.translated(owners, kinds, texts)
        columns = _with_one_preferred(columns, self._first_preferred(owners, kinds))
        strings = list(self.terms)
        written = [strings[text] for text in columns[2].tolist()]
        # Sorting strings only within one entity and kind is faster than sorting all names.
        for start, end in _runs(columns[0], columns[1]):
            written[start:end] = sorted(written[start:end])
        return NameColumns(
            StringColumn.from_strings(written),
            columns[0],
            (columns[1] >> 16).astype(np.uint8),
            (columns[1] & 0xFFFF).astype(np.uint16),
            tuple(languages),
        )

    def _first_preferred(self, owners: IndexArray, kinds: IndexArray) -> Rows:
        """Return the preferred names in the numbers of the columns, by priority."""
        self._flush()
        chunks = [rows for _, ranked in sorted(self._preferred.items()) for rows in ranked]
        rows = np.concatenate(chunks) if chunks else np.zeros((0, 3), np.int32)
        rows = np.stack([owners[rows[:, 0]], kinds[rows[:, 1]], rows[:, 2]], axis=1)
        # Negative numbers mark names of owners that were removed since.
        return rows[(rows >= 0).all(axis=1)]

    def _spelled(self, rows: Rows) -> Iterator[Named]:
        terms, kinds = list(self.terms), list(self._kinds)
        for owner, kind, text in rows.tolist():
            yield terms[owner], *kinds[kind], terms[text]


def _with_one_preferred(columns: Columns, preferred: Rows) -> Columns:
    """Return names with one preferred name per entity and language: the first in ``preferred``."""
    entities, kinds, texts = columns
    keys = entities.astype(np.int64) << 32 | kinds
    first_keys, firsts = np.unique(
        preferred[:, 0].astype(np.int64) << 32 | preferred[:, 1], return_index=True
    )
    positions = np.searchsorted(first_keys, keys)
    is_preferred = kinds >> 16 == _PREFERRED
    if not is_preferred.any():
        return columns
    winners = preferred[firsts, 2][np.minimum(positions, len(firsts) - 1)]
    is_demoted = is_preferred & (winners != texts)
    if not is_demoted.any():
        return columns
    demoted = RowSet()
    demoted.append(np.stack([entities, kinds + (is_demoted << 16), texts], axis=1).astype(np.int32))
    distinct = demoted.distinct()
    return distinct[:, 0], distinct[:, 1], distinct[:, 2]


def _runs(entities: IndexArray, kinds: IndexArray) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each run of several names with the same entity and kind."""
    is_change = (entities[1:] != entities[:-1]) | (kinds[1:] != kinds[:-1])
    changes = np.flatnonzero(is_change) + 1
    starts, ends = np.append(0, changes), np.append(changes, len(entities))
    several = ends - starts > 1
    return zip(starts[several].tolist(), ends[several].tolist(), strict=True)
