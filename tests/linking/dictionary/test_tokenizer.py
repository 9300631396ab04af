import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.linking.dictionary.hashing import RunHashes
from kgbert.linking.dictionary.tokenizer import (
    LONGEST_HASHED,
    NO_HASH,
    WordTokenizer,
    find_whitespace_tokens,
)
from kgbert.linking.dictionary.unknown_words import UnknownWords
from kgbert.linking.normalization.normalizer import Normalizer


def tokenizer_of(ids):
    normalizer = Normalizer(["accents"])
    unknown_words = UnknownWords(ids.keys(), normalizer, lambda word: None)
    return WordTokenizer(ids, normalizer, unknown_words)


BLANKS = st.sampled_from(
    [" ", "  ", "\n", "\n \n", "\t", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"]
)
PIECES = st.sampled_from(["fever", "a", "aa", "\0", "\0\0", "\0a", "β", "痛", "x" * LONGEST_HASHED])
TEXTS = st.lists(PIECES | BLANKS | st.text(max_size=3), max_size=12).map(
    lambda parts: "\n" + "".join(parts) + "\n"
)


@given(TEXTS, st.integers(1, 9))
def test_pieces_are_those_of_split_wherever_windows_end(text, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgbert.linking.dictionary.tokenizer._WINDOW", window)
        found = find_whitespace_tokens(text)

    words = [text[a:b] for a, b in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    assert words == text.split()
    blanks = re.split(r"\S+", text)[1:]
    assert found.breaks.tolist() == [blank.count("\n") > 1 for blank in blanks]


@given(TEXTS, TEXTS, st.integers(1, 9))
def test_hashes_are_equal_where_pieces_are(first, second, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgbert.linking.dictionary.tokenizer._WINDOW", window)
        small = find_whitespace_tokens(first)
    hashed = [*small.hashes.tolist(), *find_whitespace_tokens(second).hashes.tolist()]
    pieces = first.split() + second.split()

    for piece, one in zip(pieces, hashed, strict=True):
        for other, another in zip(pieces, hashed, strict=True):
            short = max(len(piece), len(other)) <= LONGEST_HASHED
            assert not short or (one == another) == (piece == other)
    long = [piece for piece, one in zip(pieces, hashed, strict=True) if one == NO_HASH]
    assert long == [piece for piece in pieces if len(piece) > LONGEST_HASHED]


@given(st.lists(TEXTS, max_size=4))
def test_reading_is_the_same_where_pieces_share_their_place_in_the_table(texts):
    ids = {"fever": 1, "a": 2, "痛": 3}
    roomy = tokenizer_of(ids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgbert.linking.dictionary.tokenizer._TABLE_BITS", 1)
        narrow = tokenizer_of(ids)
        crowded = [narrow.tokenize(texts).ids.tolist() for _ in range(2)]

    assert crowded == [roomy.tokenize(texts).ids.tolist() for _ in range(2)]


@given(st.lists(st.integers(1, 3), min_size=2, max_size=30), st.integers(1, 40))
def test_runs_of_a_row_have_one_hash_wherever_they_stand(numbers, before):
    row = RunHashes(np.array([9] * before + numbers + numbers, np.uint64))
    first = np.array([before, before + len(numbers)])

    hashed = row.of(first, first + len(numbers)).tolist()

    assert hashed[0] == hashed[1]
    assert hashed[0] != row.of(first[:1], first[:1] + 1).tolist()[0]


def test_long_rows_are_hashed_like_short_ones():
    codes = np.arange(1, 40_000, dtype=np.uint64)
    first, end = np.array([100, 16_380]), np.array([120, 16_390])

    hashed = RunHashes(codes).of(first, end)

    assert hashed[0] == RunHashes(codes[:200]).of(first[:1], end[:1])[0]
    assert hashed[1] == RunHashes(codes[16_300:]).of(first[1:] - 16_300, end[1:] - 16_300)[0]
