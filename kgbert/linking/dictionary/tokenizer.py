"""Read many texts at once as the ids of their words, remembering every piece between blanks."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kgbert.linking.dictionary.hashing import GOLDEN, RunHashes
from kgbert.linking.dictionary.index import DROPPED, UNKNOWN
from kgbert.linking.normalization.casefold import Folded, fold
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.rules import is_plain
from kgbert.linking.normalization.words import split_words_and_gaps

#: Longest whitespace token that gets a hash. In languages without spaces a token is a sentence,
#: which rarely occurs twice.
LONGEST_HASHED = 64

#: The hash of longer pieces.
NO_HASH = np.uint64(0)

#: Characters hashed at once: few enough for the processor's cache.
_WINDOW = 1 << 13

#: By code point: what separates pieces. Higher ones are all letters or marks.
_BLANKS = np.array([chr(code).isspace() for code in range(0x3002)])
_ASCII_BLANKS = bytes(chr(code).isspace() for code in range(256))


@dataclass(frozen=True, eq=False)
class WhitespaceTokens:
    """The pieces of a text that begins and ends with a blank, in reading order."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    breaks: NDArray[np.bool_]
    """Whether a blank line follows the piece."""
    hashes: NDArray[np.uint64]
    """The same for the same piece, NO_HASH for long ones."""


def find_whitespace_tokens(text: str) -> WhitespaceTokens:
    r"""Return the pieces of a text that begins and ends with a blank.

    >>> found = find_whitespace_tokens("\nhigh fever,\n\nfever, \n")
    >>> found.starts.tolist(), found.ends.tolist(), found.breaks.tolist()
    ([1, 6, 14], [5, 12, 20], [False, True, False])
    >>> [bool(hashed == found.hashes[1]) for hashed in found.hashes]
    [False, True, True]
    """
    if text.isascii():
        ascii_ = text.encode("ascii")
        codes: NDArray[np.unsignedinteger] = np.frombuffer(ascii_, np.uint8)
        blank = np.frombuffer(ascii_.translate(_ASCII_BLANKS), np.bool_)
    else:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        blank = _BLANKS[np.minimum(codes, len(_BLANKS) - 1)]
    edges = (blank[:-1] != blank[1:]).nonzero()[0] + 1
    starts, ends = edges[::2], edges[1::2]
    newlines = starts.searchsorted((codes == ord("\n")).nonzero()[0])
    breaks = np.bincount(newlines, minlength=len(starts) + 1)[1:] > 1
    return WhitespaceTokens(starts, ends, breaks, _hashes(codes, starts, ends))


def _hashes(
    codes: NDArray[np.unsignedinteger], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    hashed = np.empty(len(starts), np.uint64)
    edges = starts.searchsorted(np.arange(0, len(codes) + _WINDOW, _WINDOW))
    for number, (first, last) in enumerate(pairwise(edges.tolist())):
        begin = number * _WINDOW
        window = codes[begin : begin + _WINDOW + LONGEST_HASHED]
        # One more than each code, lest characters at the begin of a piece count for nothing.
        row = RunHashes(np.add(window, 1, dtype=np.uint64))
        within = np.minimum(ends[first:last] - begin, len(window))
        hashed[first:last] = row.of(starts[first:last] - begin, within)
    hashed[ends - starts > LONGEST_HASHED] = NO_HASH
    return hashed


#: Set around texts and between them: a blank line, which no name reaches across.
_BREAK = "\n\n"

#: Marks that end a word, and that no rule knows.
_MARKS = frozenset(",.;:)")

#: How many different pieces, and words of theirs, are remembered before all are forgotten:
#: texts hold ever new ones, and where a language writes no blanks a piece is a sentence.
_MOST_PIECES = 1 << 19
_MOST_WORDS = 1 << 21

#: Bits of the place that a piece has in the table of those met before; two that share a place
#: take turns.
_TABLE_BITS = 17

#: The place of a word that would split a character of the text, in its piece: so low that in the
#: text it is below zero wherever the piece stands.
SPLIT = -(1 << 31)

_PARAGRAPH_END = (UNKNOWN, SPLIT, SPLIT)


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
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
    memory: "array[int]"
    """Of each word that the memory holds: its id, and where it begins and ends in its piece."""
    lock: Lock

    def spans(
        self, first: NDArray[np.int64], last: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where runs of words begin and end; below zero where that is inside a character."""
        words = np.concatenate([first, last])
        # While numpy looks at an array nobody can append to it.
        with self.lock:
            places = _rows(self.memory)[self.remembered[words]]
        pieces = self.pieces[self.before.searchsorted(words, side="right") - 1]
        count = len(first)
        return pieces[:count] + places[:count, 1], pieces[count:] + places[count:, 2]


class WordTokenizer(dict[str, int]):
    """Reads texts piece by piece, each different piece once; gives each a number."""

    def __init__(
        self,
        ids: Mapping[str, int],
        normaliser: Normalizer,
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
        if is_plain(piece):
            # Most pieces are one plain word: spare them the cutting.
            word = self._id(piece.lower())
            words = [] if word == DROPPED else [word, 0, len(piece)]
        elif is_plain(piece[:-1]) and piece[-1] in _MARKS:
            # Most others are a plain word and a comma or full stop.
            words = self._marked(piece.lower())
        else:
            words = self._cut(piece)
        self._firsts.append(len(self._words) // 3)
        self._counts.append(len(words) // 3)
        # What ends a paragraph, if the piece does, follows.
        words += _PARAGRAPH_END
        self._words.extend(words)
        return number

    def _marked(self, piece: str) -> list[int]:
        """Return the same as :meth:`_cut` of a plain word in small letters and a mark."""
        end = len(piece) - 1
        word, mark = self._id(piece[:end]), self._id(piece[end])
        words = [] if word == DROPPED else [word, 0, end]
        return words if mark == DROPPED else [*words, mark, end, end + 1]

    def _cut(self, piece: str) -> list[int]:
        """Return id, start and end of each word of a piece."""
        words: list[int] = []
        folded = fold(piece)
        parts = split_words_and_gaps(folded.text)
        end = 0
        for blank, part in zip(parts[::2], parts[1::2], strict=False):
            offset = end + len(blank)
            end = offset + len(part)
            if (word := self._id(part)) != DROPPED:
                words += (word, *_place(folded, offset, end))
        return words

    def words(self, text: str) -> list[int]:
        """Return the ids of the words of one text, paragraphs or not."""
        with self._lock:
            numbers = list(map(self.__getitem__, text.split()))
            spans = ((3 * self._firsts[number], 3 * self._counts[number]) for number in numbers)
            return [id for first, size in spans for id in self._words[first : first + size : 3]]

    def read(self, texts: Sequence[str]) -> TokenizedTexts:
        """Return the words of texts."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        begins = (lengths + len(_BREAK)).cumsum() - lengths
        joined = _BREAK.join(["", *texts, ""])
        pieces = find_whitespace_tokens(joined)
        # A thread that reads must not find the memory half changed by another.
        with self._lock:
            if len(self) > _MOST_PIECES or len(self._words) > 3 * _MOST_WORDS:
                self._forget()
            numbers = self._numbers(joined, pieces)
            counts = np.frombuffer(self._counts, np.int32)[numbers] + pieces.breaks
            # Where in the memory the words of each piece lie, one piece after the other.
            before = counts.cumsum(dtype=np.int64)
            before -= counts
            shift = np.frombuffer(self._firsts, np.int32)[numbers] - before
            remembered = shift.repeat(counts)
            remembered += np.arange(len(remembered))
            memory = self._words
            ids = _rows(memory)[remembered, 0].astype(np.int64)
        return TokenizedTexts(
            joined, begins, ids, remembered, before, pieces.starts, memory, self._lock
        )

    def _numbers(self, joined: str, pieces: WhitespaceTokens) -> NDArray[np.int32]:
        """Return the number of each piece, and look only at those that no hash tells."""
        # Times GOLDEN once more: a piece's last letter counts in the low bits alone.
        places = (pieces.hashes * GOLDEN) >> np.uint64(64 - _TABLE_BITS)
        numbers: NDArray[np.int32] = self._numbers_held[places]
        unknown = (self._hashes_held[places] != pieces.hashes) | (pieces.hashes == NO_HASH)
        new = unknown.nonzero()[0]
        if len(new):
            spans = zip(pieces.starts[new].tolist(), pieces.ends[new].tolist(), strict=True)
            numbers[new] = [self[joined[start:end]] for start, end in spans]
            self._hashes_held[places[new]] = pieces.hashes[new]
            self._numbers_held[places[new]] = numbers[new]
        return numbers

    def _forget(self) -> None:
        self.clear()
        self._hashes_held = np.zeros(1 << _TABLE_BITS, np.uint64)
        self._numbers_held = np.zeros(1 << _TABLE_BITS, np.int32)
        self._firsts, self._counts = array("i"), array("i")
        self._words = array("i")

    def _id(self, word: str) -> int:
        normal = self._normaliser.word(word)
        if not normal:
            return DROPPED
        if (known := self._known.get(normal)) is not None:
            return known
        meant = self._meant(normal)
        return UNKNOWN if meant is None else self._known[meant]


def _rows(memory: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(memory, np.int32).reshape(-1, 3)


def _place(folded: Folded, offset: int, end: int) -> tuple[int, int]:
    """Return where a word of a folded piece begins and ends in the piece."""
    if folded.starts is None:
        return offset, end
    start, stop = folded.start(offset), folded.end(end)
    return SPLIT if start is None else start, SPLIT if stop is None else stop
