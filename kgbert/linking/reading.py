"""Read many texts at once as the ids of their words, remembering every piece between blanks."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.linking.folding import fold
from kgbert.linking.index import DROPPED, UNKNOWN
from kgbert.linking.normalising import Normaliser
from kgbert.linking.words import pieces_of

#: Set around texts and between them: a blank line, which no name reaches across.
_BREAK = "\n\n"

#: How many different pieces, and words of theirs, are remembered before all are forgotten:
#: texts hold ever new ones, and where a language writes no blanks a piece is a sentence.
_MOST_PIECES = 1 << 19
_MOST_WORDS = 1 << 21

#: By code point: what separates pieces. Higher ones are all letters or marks.
_BLANKS = np.array([chr(code).isspace() for code in range(0x3002)])

#: The place of a word that would split a character of the text.
SPLIT = -1


class Reading(NamedTuple):
    """The words of some texts that rules do not drop, in one row; UNKNOWN where a paragraph ends.

    Places count from the start of ``joined``, the texts one after the other.
    """

    joined: str
    begins: NDArray[np.int64]
    """Where each text begins."""
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """Where each word begins and ends; SPLIT where that would be inside a character."""


class Reader(dict[str, int]):
    """Reads texts piece by piece, each different piece once; gives each a number."""

    def __init__(
        self,
        ids: Mapping[str, int],
        normaliser: Normaliser,
        meant: Callable[[str], str | None],
    ) -> None:
        """Start with an empty memory.

        Args:
            ids: The id of each known word in normal form.
            normaliser: Gives words their normal form.
            meant: The known word that an unknown one is taken for, if any.
        """
        super().__init__()
        self._known, self._normaliser, self._meant = ids, normaliser, meant
        self._lock = Lock()
        self._forget()

    def __missing__(self, piece: str) -> int:
        number = self[piece] = len(self._firsts)
        self._firsts.append(len(self._ids))
        folded = fold(piece)
        end = 0
        for position, part in enumerate(pieces_of(folded.text)):
            offset, end = end, end + len(part)
            if position % 2 and (word := self._id(part)) != DROPPED:
                self._add(word, folded.start(offset), folded.end(end))
        self._counts.append(len(self._ids) - self._firsts[number])
        # What ends a paragraph, if the piece does.
        self._add(UNKNOWN, None, None)
        return number

    def words(self, text: str) -> list[int]:
        """Return the ids of the words of one text, paragraphs or not."""
        with self._lock:
            numbers = list(map(self.__getitem__, text.split()))
            spans = ((self._firsts[number], self._counts[number]) for number in numbers)
            return [word for first, count in spans for word in self._ids[first : first + count]]

    def read(self, texts: Sequence[str]) -> Reading:
        """Return the words of texts."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        begins = np.cumsum(lengths + len(_BREAK)) - lengths
        joined = _BREAK.join(["", *texts, ""])
        pieces = joined.split()
        starts, breaks = _places(joined, len(pieces))
        # A thread that reads must not find the memory half changed by another.
        with self._lock:
            if len(self) > _MOST_PIECES or len(self._ids) > _MOST_WORDS:
                self._forget()
            numbers = np.fromiter(map(self.__getitem__, pieces), np.int64, len(pieces))
            counts = np.frombuffer(self._counts, np.int32)[numbers] + breaks
            # Where in the memory the words of each piece lie, one piece after the other.
            before = np.cumsum(counts) - counts
            shift = np.frombuffer(self._firsts, np.int32)[numbers] - before
            owner = np.repeat(np.arange(len(pieces)), counts)
            where = np.arange(len(owner)) + shift[owner]
            ids, first, last = (
                np.frombuffer(column, np.int32)[where]
                for column in (self._ids, self._starts, self._ends)
            )
        offsets = starts[owner]
        return Reading(
            joined,
            begins,
            ids.astype(np.int64),
            np.where(first == SPLIT, SPLIT, first + offsets),
            np.where(last == SPLIT, SPLIT, last + offsets),
        )

    def _forget(self) -> None:
        self.clear()
        self._firsts, self._counts = array("i"), array("i")
        self._ids, self._starts, self._ends = array("i"), array("i"), array("i")

    def _add(self, word: int, start: int | None, end: int | None) -> None:
        self._ids.append(word)
        self._starts.append(SPLIT if start is None else start)
        self._ends.append(SPLIT if end is None else end)

    def _id(self, word: str) -> int:
        normal = self._normaliser.word(word)
        if not normal:
            return DROPPED
        if normal not in self._known:
            normal = self._meant(normal) or normal
        return self._known.get(normal, UNKNOWN)


def _places(joined: str, pieces: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each piece begins, and whether a blank line follows it."""
    if joined.isascii():
        codes: NDArray[np.integer] = np.frombuffer(joined.encode("ascii"), np.uint8)
        blank = _BLANKS[codes]
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        blank = _BLANKS[np.minimum(codes, len(_BLANKS) - 1)]
    starts = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    gaps = np.searchsorted(starts, np.flatnonzero(codes == ord("\n")))
    newlines = np.bincount(gaps, minlength=pieces + 1)
    return starts, newlines[1:] > 1
