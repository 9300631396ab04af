"""Read many texts at once as the ids of their words, remembering every piece between blanks."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

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
_ASCII_BLANKS = bytes(chr(code).isspace() for code in range(256))

#: The place of a word that would split a character of the text.
SPLIT = -1


@dataclass(frozen=True, eq=False)
class Reading:
    """The words of some texts that rules do not drop, in one row; UNKNOWN where a paragraph ends.

    Places count from the start of ``joined``, the texts one after the other. They are computed
    for the words that are asked for: most words are in no name.
    """

    joined: str
    begins: NDArray[np.int64]
    """Where each text begins."""
    ids: NDArray[np.int64]
    remembered: NDArray[np.int64]
    """Where in the memory each word lies."""
    before: NDArray[np.int64]
    """How many words stand before each piece."""
    pieces: NDArray[np.int64]
    """Where each piece begins."""
    starts: "array[int]"
    ends: "array[int]"
    """Of the words of the memory: where they begin and end in their piece."""
    lock: Lock

    def spans(
        self, first: NDArray[np.int64], last: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where runs of words begin and end; SPLIT where that is inside a character."""
        # While numpy looks at an array nobody can append to it.
        with self.lock:
            return self._places(first, self.starts), self._places(last, self.ends)

    def _places(self, words: NDArray[np.int64], column: "array[int]") -> NDArray[np.int64]:
        inside = np.frombuffer(column, np.int32)[self.remembered[words]]
        piece = np.searchsorted(self.before, words, side="right") - 1
        return np.where(inside == SPLIT, SPLIT, inside + self.pieces[piece])


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
        before = len(self._ids)
        self._firsts.append(before)
        if piece.isascii() and piece.isalnum():
            # Most pieces are one plain word: spare them the cutting.
            if (word := self._id(piece.lower())) != DROPPED:
                self._add(word, 0, len(piece))
        else:
            self._cut(piece)
        self._counts.append(len(self._ids) - before)
        # What ends a paragraph, if the piece does.
        self._add(UNKNOWN, SPLIT, SPLIT)
        return number

    def _cut(self, piece: str) -> None:
        folded = fold(piece)
        end = 0
        for position, part in enumerate(pieces_of(folded.text)):
            offset, end = end, end + len(part)
            if position % 2 and (word := self._id(part)) != DROPPED:
                start, stop = folded.start(offset), folded.end(end)
                self._add(word, SPLIT if start is None else start, SPLIT if stop is None else stop)

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
            remembered = np.repeat(shift, counts)
            remembered += np.arange(len(remembered))
            ids = np.frombuffer(self._ids, np.int32)[remembered].astype(np.int64)
            columns = self._starts, self._ends
        return Reading(joined, begins, ids, remembered, before, starts, *columns, self._lock)

    def _forget(self) -> None:
        self.clear()
        self._firsts, self._counts = array("i"), array("i")
        self._ids, self._starts, self._ends = array("i"), array("i"), array("i")

    def _add(self, word: int, start: int, end: int) -> None:
        self._ids.append(word)
        self._starts.append(start)
        self._ends.append(end)

    def _id(self, word: str) -> int:
        normal = self._normaliser.word(word)
        if not normal:
            return DROPPED
        if (known := self._known.get(normal)) is not None:
            return known
        meant = self._meant(normal)
        return UNKNOWN if meant is None else self._known[meant]


def _places(joined: str, pieces: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each piece begins, and whether a blank line follows it."""
    if joined.isascii():
        ascii_ = joined.encode("ascii")
        codes: NDArray[np.integer] = np.frombuffer(ascii_, np.uint8)
        blank = np.frombuffer(ascii_.translate(_ASCII_BLANKS), np.bool_)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        blank = _BLANKS[np.minimum(codes, len(_BLANKS) - 1)]
    starts = np.flatnonzero(blank[:-1] > blank[1:]) + 1
    gaps = np.searchsorted(starts, np.flatnonzero(codes == ord("\n")))
    newlines = np.bincount(gaps, minlength=pieces + 1)
    return starts, newlines[1:] > 1
