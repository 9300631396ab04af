"""A hash index of a graph's names: a few flat arrays, searched in batches of words."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.linking.dictionary.hashing import GOLDEN, RunHashes

#: Ids of words that occur in no name, and of words that rules drop.
UNKNOWN, DROPPED = 0, -1

#: The entry of a run of words that is not in the index.
NOWHERE = -1

#: Bits of a name's length in words; the sort key of a match combines position and length.
_REACH_BITS = 16

#: Forms of names hashed per chunk.
_CHUNK = 1 << 16

#: Runs of three or more words per lookup; bounds the memory for very long names.
_MOST_RUNS = 1 << 20

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, eq=False)
class NameIndex:
    """Maps runs of words to names, without a Python object for each name.

    The id of a word is its position in ``vocabulary`` plus one. A run of words is looked up by a
    64-bit hash of its ids. Hashes can collide, so the caller must check each match.
    """

    vocabulary: StringColumn
    reach: NDArray[np.uint16]
    """Number of words of the longest name that begins with a word, by word id."""
    hashes: NDArray[np.int64]
    """Distinct hashes of the names' forms, sorted as unsigned numbers."""
    pairs: NDArray[np.int64]
    """Hashes of the first two words of forms with three or more, sorted as unsigned numbers."""
    offsets: NDArray[np.int64]
    names: NDArray[np.int32]
    """Positions of the names with hash ``i``: ``names[offsets[i] : offsets[i + 1]]``."""

    @cached_property
    def ids(self) -> dict[str, int]:
        """Maps each word of the vocabulary to its id."""
        return {word: number for number, word in enumerate(self.vocabulary, start=1)}

    def find(
        self, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return position, length and entry of every run of word ids that may be a name.

        The runs are sorted by position, longer runs first.
        """
        alone = self._alone[ids]
        ones = (alone != NOWHERE).nonzero()[0]
        found = [(ones, np.ones_like(ones), alone[ones])]
        for first, lengths, hashed in self._runs(ids):
            inside, entry = self._forms.look_up(hashed)
            found.append((first[inside], lengths[inside], entry))
        place, run, entry = map(np.concatenate, zip(*found, strict=True))
        order = ((place << _REACH_BITS) - run).argsort()
        return place[order], run[order], entry[order]

    def _runs(
        self, ids: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]]:
        """Yield position, length and hash of the runs of several words that may be names."""
        known = ids > UNKNOWN
        twos = (self._begins_more[ids[:-1]] & known[1:]).nonzero()[0]
        codes = self._codes[ids]
        hashed = _extended(codes[twos], codes[twos + 1])
        yield twos, np.full(len(twos), 2), hashed
        # Most runs end here: many names begin with "of", few with "of the".
        opening = twos[self._openings.may_contain(hashed)]
        last = np.append((~known).nonzero()[0], len(ids))
        room = last[last.searchsorted(opening)] - opening
        more = np.minimum(self.reach[ids[opening]], room) - 2
        row = RunHashes(codes)
        for some in _bounded_slices(more):
            count = more[some]
            first = opening[some].repeat(count)
            length = np.arange(3, len(first) + 3) - (count.cumsum() - count).repeat(count)
            yield first, length, row.of(first, first + length)

    def entry_of(self, ids: Sequence[int]) -> int:
        """Return the entry of a whole run of word ids; NOWHERE if it is not a name."""
        if not ids or min(ids) <= UNKNOWN or self.reach[ids[0]] < len(ids):
            return NOWHERE
        hashed, *codes = self._codes[list(ids)].tolist()
        for code in codes:
            hashed = (hashed * int(GOLDEN) + code) % (1 << 64)
        _, entry = self._forms.look_up(np.array([hashed], np.uint64))
        return int(entry[0]) if len(entry) else NOWHERE

    def names_at(self, entry: int) -> list[int]:
        """Return the positions in the graph of the names of an entry; none for NOWHERE."""
        if entry == NOWHERE:
            return []
        first, end = self.offsets[entry : entry + 2].tolist()
        found: list[int] = self.names[first:end].tolist()
        return found

    @cached_property
    def _alone(self) -> NDArray[np.int64]:
        """Entry of the one-word names, by word id; NOWHERE for words that are not names."""
        entries = np.full(len(self._codes), NOWHERE)
        inside, entry = self._forms.look_up(self._codes[1:])
        entries[1 + inside] = entry
        return entries

    @cached_property
    def _begins_more(self) -> NDArray[np.bool_]:
        """Whether names of several words begin with a word, by word id."""
        begins: NDArray[np.bool_] = self.reach > 1
        return begins

    @cached_property
    def _codes(self) -> NDArray[np.uint64]:
        return _codes(len(self.vocabulary) + 1)

    @cached_property
    def _forms(self) -> "_Hashes":
        return _Hashes(self.hashes)

    @cached_property
    def _openings(self) -> "_Hashes":
        return _Hashes(self.pairs)


class _Hashes:
    """Sorted hashes with a bitmap of their first bits, which rejects most other hashes cheaply."""

    def __init__(self, hashes: NDArray[np.int64]) -> None:
        self._sorted = hashes.view(np.uint64)
        bits = max(10, len(hashes).bit_length() + 3)
        self._shift = np.uint64(64 - bits)
        self._prefixes = np.zeros(1 << bits, np.bool_)
        self._prefixes[self._sorted >> self._shift] = True

    def may_contain(self, hashed: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return for each hash whether it may be present; false positives are possible."""
        possible: NDArray[np.bool_] = self._prefixes[hashed >> self._shift]
        return possible

    def look_up(self, hashed: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the indices of the hashes that are present, and their positions."""
        likely = self.may_contain(hashed).nonzero()[0]
        place = self._sorted.searchsorted(hashed[likely])
        place[place == len(self._sorted)] = 0
        there = self._sorted[place] == hashed[likely] if len(self._sorted) else likely < 0
        return likely[there], place[there]


def index_names(forms: Iterable[tuple[int, Sequence[str]]]) -> NameIndex:
    """Return the index of names given as (position, words); a name can have several forms."""
    ids: dict[str, int] = {}
    reach = np.zeros(1, np.uint16)
    hashed: list[NDArray[np.uint64]] = []
    pairs = np.zeros(0, np.uint64)
    positions = array("i")
    # In chunks, because all words of all forms at once would need more memory than the index.
    for chunk in _chunks(forms):
        flat, lengths = array("i"), array("i")
        for position, words in chunk:
            flat.extend([ids.setdefault(word, len(ids) + 1) for word in words])
            lengths.append(len(words))
            positions.append(position)
        counts = np.frombuffer(lengths, np.int32).astype(np.int64)
        words_flat = np.frombuffer(flat, np.int32)
        starts = np.cumsum(counts) - counts
        reach = np.pad(reach, (0, len(ids) + 1 - len(reach)))
        np.maximum.at(reach, words_flat[starts], np.minimum(counts, 0xFFFF).astype(np.uint16))
        codes = _codes(len(ids) + 1)
        hashed.append(_hash_runs(words_flat, starts, counts, codes))
        opening = starts[counts > 2]
        seconds = codes[words_flat[opening + 1]]
        pairs = np.union1d(pairs, _extended(codes[words_flat[opening]], seconds))
    hashes = np.concatenate([np.zeros(0, np.uint64), *hashed])
    names = np.array(positions, np.int32)
    order = np.lexsort((names, hashes))
    hashes, names = hashes[order], names[order]
    first = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
    return NameIndex(
        StringColumn.from_strings(ids),
        reach,
        hashes[first].view(np.int64),
        pairs.view(np.int64),
        np.append(first, len(names)).astype(np.int64),
        names,
    )


def _chunks(
    forms: Iterable[tuple[int, Sequence[str]]],
) -> Iterator[list[tuple[int, Sequence[str]]]]:
    source = iter(forms)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


def _hash_runs(
    words: NDArray[np.int32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    codes: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    hashes = codes[words[starts]]
    for length in range(1, int(counts.max(initial=0))):
        longer = counts > length
        hashes[longer] = _extended(hashes[longer], codes[words[starts[longer] + length]])
    return hashes


def _bounded_slices(counts: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of the counts whose sums do not greatly exceed _MOST_RUNS."""
    group = counts.cumsum() // _MOST_RUNS
    edges = [0, *((group[1:] != group[:-1]).nonzero()[0] + 1).tolist()]
    for start, end in pairwise([*edges, len(counts)]):
        yield slice(start, end)


def _extended(hashed: NDArray[np.uint64], code: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hash of a run that is extended by one word."""
    return hashed * GOLDEN + code


def _codes(count: int) -> NDArray[np.uint64]:
    """Return a well-mixed 64-bit code for each word id (the finaliser of SplitMix64)."""
    code = np.arange(count, dtype=np.uint64) * GOLDEN
    code = (code ^ (code >> np.uint64(30))) * _MIX[0]
    code = (code ^ (code >> np.uint64(27))) * _MIX[1]
    return code ^ (code >> np.uint64(31))
