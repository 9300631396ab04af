"""Tokenize many texts at once into word ids, with a cache of whitespace tokens."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kgbert.linking.dictionary.hashing import GOLDEN, RunHashes
from kgbert.linking.dictionary.index import DROPPED, UNKNOWN
from kgbert.linking.dictionary.unknown_words import UnknownWords
from kgbert.linking.normalization.casefold import Folded, fold
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.rules import is_plain
from kgbert.linking.normalization.words import split_words_and_gaps

#: Longest whitespace token that gets a hash. In languages without spaces a token is a sentence,
#: which rarely occurs twice.
LONGEST_HASHED = 64

#: The hash of longer tokens.
NO_HASH = np.uint64(0)

#: Characters hashed at once: few enough to fit into the processor's cache.
_WINDOW = 1 << 13

#: By code point, whether it is whitespace. Higher ones are all letters or marks.
_BLANKS = np.array([chr(code).isspace() for code in range(0x3002)])
_ASCII_BLANKS = bytes(chr(code).isspace() for code in range(256))


@dataclass(frozen=True, eq=False)
class WhitespaceTokens:
    """The whitespace tokens of a text that begins and ends with whitespace, in reading order."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    breaks: NDArray[np.bool_]
    """Whether a blank line follows the token."""
    hashes: NDArray[np.uint64]
    """Equal for equal tokens; NO_HASH for long ones."""


def find_whitespace_tokens(text: str) -> WhitespaceTokens:
    r"""Return the whitespace tokens of a text that begins and ends with whitespace.

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
        # Codes are shifted by one, so that a NUL character at the start of a token counts.
        row = RunHashes(np.add(window, 1, dtype=np.uint64))
        within = np.minimum(ends[first:last] - begin, len(window))
        hashed[first:last] = row.of(starts[first:last] - begin, within)
    hashed[ends - starts > LONGEST_HASHED] = NO_HASH
    return hashed


#: Separates texts, and surrounds them: a blank line, which no name crosses.
_BREAK = "\n\n"

#: Punctuation behind a word that no rule changes.
_PUNCTUATION = frozenset(",.;:)")

#: Most cached tokens, and words of them, before the cache is cleared: texts contain ever new
#: tokens, and in languages without spaces a token is a sentence.
_MAX_TOKENS = 1 << 19
_MAX_WORDS = 1 << 21

#: Bits of a token's slot in the hash table of known tokens; two tokens with one slot replace each
#: other.
_TABLE_BITS = 17

#: Offset of a word boundary that would split a character of the text: so low that it is negative
#: at any position of the token.
SPLIT = -(1 << 31)

_PARAGRAPH_END = (UNKNOWN, SPLIT, SPLIT)


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
    """The word ids of several texts in one row, with UNKNOWN at the end of each paragraph.

    Words that the rules drop are left out. Offsets count from the start of ``joined``, the
    concatenated texts, and are computed on demand: most words are in no name.
    """

    joined: str
    text_starts: NDArray[np.int64]
    """Offset of each text."""
    ids: NDArray[np.int64]
    cache_rows: NDArray[np.int64]
    """Row of each word in the cache."""
    first_words: NDArray[np.int64]
    """Position of the first word of each token."""
    token_starts: NDArray[np.int64]
    """Offset of each token."""
    cache: "array[int]"
    """Three numbers a cached word: its id, and its start and end in its token."""
    lock: Lock

    def spans(
        self, first: NDArray[np.int64], last: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the start and end offsets of runs of words; negative inside a character."""
        words = np.concatenate([first, last])
        # An array cannot grow while numpy has a view of it.
        with self.lock:
            offsets = _rows(self.cache)[self.cache_rows[words]]
        starts = self.token_starts[self.first_words.searchsorted(words, side="right") - 1]
        count = len(first)
        return starts[:count] + offsets[:count, 1], starts[count:] + offsets[count:, 2]


class WordTokenizer(dict[str, int]):
    """Splits texts into words, each different whitespace token once; maps tokens to numbers."""

    def __init__(
        self,
        ids: Mapping[str, int],
        normalizer: Normalizer,
        unknown_words: UnknownWords,
    ) -> None:
        """Start with an empty cache.

        Args:
            ids: The id of each known word in normal form.
            normalizer: Brings words to their normal form.
            unknown_words: Finds a known word for an unknown one.
        """
        super().__init__()
        self._ids, self._normalizer, self._unknown_words = ids, normalizer, unknown_words
        self._lock = Lock()
        self._clear_cache()

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self._firsts)
        if is_plain(token):
            # Most tokens are one plain word, which need not be split.
            word = self._id(token.lower())
            words = [] if word == DROPPED else [word, 0, len(token)]
        elif is_plain(token[:-1]) and token[-1] in _PUNCTUATION:
            # Most others are a plain word and a comma or full stop.
            words = self._split_punctuation(token.lower())
        else:
            words = self._split(token)
        self._firsts.append(len(self._words) // 3)
        self._counts.append(len(words) // 3)
        # The end of a paragraph follows, for tokens in front of a blank line.
        words += _PARAGRAPH_END
        self._words.extend(words)
        return number

    def _split_punctuation(self, token: str) -> list[int]:
        """Return the same as :meth:`_split` for a plain lower-case word and a punctuation mark."""
        end = len(token) - 1
        word, mark = self._id(token[:end]), self._id(token[end])
        words = [] if word == DROPPED else [word, 0, end]
        return words if mark == DROPPED else [*words, mark, end, end + 1]

    def _split(self, token: str) -> list[int]:
        """Return id, start and end of each word of a token."""
        words: list[int] = []
        folded = fold(token)
        parts = split_words_and_gaps(folded.text)
        end = 0
        for blank, part in zip(parts[::2], parts[1::2], strict=False):
            offset = end + len(blank)
            end = offset + len(part)
            if (word := self._id(part)) != DROPPED:
                first, last = self._core(part)
                words += (word, *_offsets(folded, offset + first, offset + last))
        return words

    def _core(self, word: str) -> tuple[int, int]:
        """Return the span of a word that a mention covers."""
        if resolution := self._unknown_words.resolve(word):
            return 0, resolution.length
        return self._normalizer.core(word)

    def words(self, text: str) -> list[int]:
        """Return the ids of the words of one text, without ends of paragraphs."""
        with self._lock:
            numbers = list(map(self.__getitem__, text.split()))
            spans = ((3 * self._firsts[number], 3 * self._counts[number]) for number in numbers)
            return [id for first, size in spans for id in self._words[first : first + size : 3]]

    def tokenize(self, texts: Sequence[str]) -> TokenizedTexts:
        """Return the words of texts."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        text_starts = (lengths + len(_BREAK)).cumsum() - lengths
        joined = _BREAK.join(["", *texts, ""])
        tokens = find_whitespace_tokens(joined)
        # A thread must not see the cache while another one changes it.
        with self._lock:
            if len(self) > _MAX_TOKENS or len(self._words) > 3 * _MAX_WORDS:
                self._clear_cache()
            numbers = self._numbers(joined, tokens)
            counts = np.frombuffer(self._counts, np.int32)[numbers] + tokens.breaks
            first_words = counts.cumsum(dtype=np.int64)
            first_words -= counts
            shift = np.frombuffer(self._firsts, np.int32)[numbers] - first_words
            cache_rows = shift.repeat(counts)
            cache_rows += np.arange(len(cache_rows))
            cache = self._words
            ids = _rows(cache)[cache_rows, 0].astype(np.int64)
        return TokenizedTexts(
            joined, text_starts, ids, cache_rows, first_words, tokens.starts, cache, self._lock
        )

    def _numbers(self, joined: str, tokens: WhitespaceTokens) -> NDArray[np.int32]:
        """Return the number of each token; only tokens with an unknown hash are looked at."""
        # Times GOLDEN once more, for the last letter of a token affects only the low bits.
        slots = (tokens.hashes * GOLDEN) >> np.uint64(64 - _TABLE_BITS)
        numbers: NDArray[np.int32] = self._slot_numbers[slots]
        unknown = (self._slot_hashes[slots] != tokens.hashes) | (tokens.hashes == NO_HASH)
        new = unknown.nonzero()[0]
        if len(new):
            spans = zip(tokens.starts[new].tolist(), tokens.ends[new].tolist(), strict=True)
            numbers[new] = [self[joined[start:end]] for start, end in spans]
            self._slot_hashes[slots[new]] = tokens.hashes[new]
            self._slot_numbers[slots[new]] = numbers[new]
        return numbers

    def _clear_cache(self) -> None:
        self.clear()
        self._slot_hashes = np.zeros(1 << _TABLE_BITS, np.uint64)
        self._slot_numbers = np.zeros(1 << _TABLE_BITS, np.int32)
        self._firsts, self._counts = array("i"), array("i")
        self._words = array("i")

    def _id(self, word: str) -> int:
        normal = self._normalizer.word(word)
        if not normal:
            return DROPPED
        if (known := self._ids.get(normal)) is not None:
            return known
        resolution = self._unknown_words.resolve(word)
        return UNKNOWN if resolution is None else self._ids[resolution.known]


def _rows(cache: "array[int]") -> NDArray[np.int32]:
    return np.frombuffer(cache, np.int32).reshape(-1, 3)


def _offsets(folded: Folded, offset: int, end: int) -> tuple[int, int]:
    """Return start and end of a word of a folded token in the token."""
    if folded.starts is None:
        return offset, end
    start, stop = folded.start(offset), folded.end(end)
    return SPLIT if start is None else start, SPLIT if stop is None else stop
