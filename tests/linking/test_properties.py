import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.index import index_names
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.tokenizer import WordTokenizer
from kgbert.linking.dictionary.unknown_words import UnknownWords
from kgbert.linking.normalization.affixes import _PARTICLES
from kgbert.linking.normalization.casefold import fold, fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.words import split_words_and_gaps
from tests.support.project.folder import PROJECT

#: Fragments that are likely to collide: names, parts of them, marks, odd Unicode.
FRAGMENTS = st.sampled_from(
    [
        *(
            "fever",
            "Fever",
            "FEVERS",
            "ＦＥＶＥＲ",
            "skin",
            "neoplasm",
            "tumour",
            "of",
            "the",
            "PKD",
        ),
        *("Sjo\u0308gren", "Sjögren's", "straße", "STRASSE", "İX", "ﬁt", "½", "①", "発熱", "頭痛"),
        *("ไข้", "β2", "α", "type", "II", "2", "x-linked", "(PKD)", "e\u0301", "\u0301", "\u200d"),
        *(
            "\u00ad",
            "-",
            ",",
            ".",
            "'s",
            "_",
            "\n",
            "😀",
            "𝔸",
            "가",
            "\u1100\u1161",
            "ｶﾞ",
            "polycystic",
        ),
        *("kidney", "disease", "acute", "stone"),
        *("l'", "dell’", "lʼ", "´", "‘", "fever'da", "'nın", "B12", "B", "12", "500mg", "mg"),
        *("TNFα", "IFN-γ", "TNF", "alpha", "IL-1", "beta", "5-", "HT", "5HT", "Ph.D", "PhD"),
        *("poly-\n", "cystic", "E.", "E", "coli", "U.S.", "US", "발열", "발열이", "은", "asthme"),
    ]
)
TEXTS = st.lists(
    st.tuples(FRAGMENTS | st.text(max_size=4), st.sampled_from(["", " ", " ", "-", "  "])),
    max_size=14,
).map(lambda parts: "".join(word + blank for word, blank in parts))

NAMES = [
    ("E:1", "Fever"),
    ("E:2", "skin neoplasm"),
    ("E:3", "Neoplasms, Skin"),
    ("E:4", "PKD"),
    ("E:5", "Polycystic kidney disease"),
    ("E:6", "Sjögren syndrome"),
    ("E:7", "Sjogren"),
    ("E:8", "STRASSE"),
    ("E:9", "発熱"),
    ("E:10", "ไข้"),
    ("E:11", "β2"),
    ("E:12", "ix"),
    ("E:13", "fit"),
    ("E:14", "type 2 fever"),
    ("E:15", "kidney stone"),
    ("E:16", "X-linked fever"),
    ("E:17", "fever"),
    ("E:18", "가"),
    ("E:19", "ガ"),
    ("E:20", "acute"),
    ("E:21", "TNF-alpha"),
    ("E:22", "B12"),
    ("E:23", "500 mg"),
    ("E:24", "E. coli"),
    ("E:25", "U.S."),
    ("E:26", "asthme"),
    ("E:27", "발열"),
    ("E:28", "IL-1 beta"),
    ("E:29", "5-HT"),
    ("E:30", "Ph.D."),
]


def linker_of(names: list[tuple[str, str]], **choices: str) -> DictionaryLinker:
    builder = GraphBuilder()
    for entity, name in names:
        builder.add_name(entity, name)
    return DictionaryLinker(builder.build(), **choices)


LINKER = linker_of(NAMES, domain_words="medicine")
NESTED = linker_of(NAMES, domain_words="medicine", overlaps="nested")


@given(st.text() | TEXTS)
def test_folding_keeps_every_character_in_its_place(text):
    folded = fold(text)

    assert folded.text == fold_cluster(text)
    for i, character in enumerate(folded.text):
        start, end = folded.start(i), folded.end(i + 1)
        if start is not None and end is not None:
            assert fold_cluster(text[start:end]) == character


@given(st.text() | TEXTS)
def test_pieces_make_up_the_text(text):
    folded = fold(text).text

    pieces = split_words_and_gaps(folded)

    assert len("".join(pieces)) == len(folded)
    assert len(pieces) % 2 == 1
    assert not any(blank.strip(" \n\t") and blank.isprintable() for blank in pieces[::2])


@given(TEXTS)
def test_the_text_of_a_span_matches_its_candidates(text):
    [mentions] = LINKER([text])

    for mention in mentions:
        surface = text[mention.start : mention.end]
        meant = {entity for entity, _ in LINKER.candidates(surface)}
        defined = "PKD" in surface  # by the text: it is then linked as its long form
        assert defined or {entity for entity, _ in mention.candidates} == meant


@given(TEXTS)
def test_mentions_are_in_reading_order_and_do_not_overlap(text):
    [mentions] = LINKER([text])

    ends = [0, *(mention.end for mention in mentions)]
    assert all(end <= mention.start for end, mention in zip(ends, mentions, strict=False))
    assert all(mention.start < mention.end <= len(text) for mention in mentions)
    assert all(0 < score <= 1 for mention in mentions for _, score in mention.candidates)


@given(TEXTS)
def test_nested_mentions_contain_the_longest_ones_and_never_cross(text):
    [longest], [nested] = LINKER([text]), NESTED([text])

    if "(PKD)" not in text:
        assert set(longest) <= set(nested)
    for a in nested:
        for b in nested:
            assert a.end <= b.start or b.end <= a.start or _within(a, b) or _within(b, a)


def _within(inner, outer):
    return outer.start <= inner.start and inner.end <= outer.end


@given(TEXTS, TEXTS)
def test_linking_a_concatenation_is_linking_its_parts_shifted(first, second):
    gap = "!\n\n"  # not ".": it would belong to "Ph.D." if the first text ends with "Ph.D"
    first, second = first.replace("(", ""), second.replace("(", "")

    [together] = LINKER([first + gap + second])

    [of_first], [of_second] = LINKER([first]), LINKER([second])
    shift = len(first) + len(gap)
    shifted = [m._replace(start=m.start + shift, end=m.end + shift) for m in of_second]
    assert together == of_first + shifted


def test_period_of_a_name_is_part_of_its_mention_at_the_end_of_a_sentence():
    [[with_period], [without]] = LINKER(["She has a Ph.D.\n\nHe has none.", "a Ph.D"])

    assert (with_period.start, with_period.end) == (10, 15)
    assert (without.start, without.end) == (2, 6)
    assert with_period.candidates[0].score == 1 > without.candidates[0].score


@given(st.lists(TEXTS, max_size=6))
def test_texts_do_not_influence_each_other(texts):
    assert LINKER(texts) == [LINKER([text])[0] for text in texts]


@settings(max_examples=30)
@given(st.permutations(NAMES), st.lists(TEXTS, max_size=5))
def test_order_of_the_names_does_not_matter(names, texts):
    assert linker_of(names, domain_words="medicine")(texts) == LINKER(texts)


@given(TEXTS)
def test_mention_is_never_inside_another_word(text):
    [mentions] = LINKER([text])

    for mention in mentions:
        before, after = text[: mention.start][-1:], text[mention.end :][:1]
        assert not (_spaced(before) and _spaced(text[mention.start]))
        if not _is_particle(text[mention.end :]):
            assert not (_spaced(after) and _spaced(text[mention.end - 1]))


def _is_particle(rest: str) -> bool:
    """Return whether a Korean word ends with a particle here."""
    glued = re.match(r"\w*", rest).group()
    return fold_cluster(glued) in {fold_cluster(particle) for particle in _PARTICLES}


def _spaced(character: str) -> bool:
    """Return whether a character is a letter or digit of a script that separates words."""
    return (
        character.isalnum()
        and not "\u0e00" <= character < "\u1100"
        and not ("\u3005" <= character <= "\u9fff" or "\uff66" <= character <= "\uff9f")
        and not "\U00020000" <= character <= "\U0003ffff"
    )


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4), max_size=12))
def test_index_finds_every_run_that_is_a_name_and_no_other(names):
    index = index_names(enumerate(names))
    ids = [index.ids.get(word, 0) for word in "abcdabdcaabbccddz"]
    found = {
        (int(place), int(length)): index.names_at(int(entry))
        for place, length, entry in zip(*index.find(np.array(ids)), strict=True)
    }

    wanted = {}
    for position, name in enumerate(names):
        numbers = [index.ids[word] for word in name]
        for place in range(len(ids)):
            if ids[place : place + len(numbers)] == numbers:
                wanted.setdefault((place, len(numbers)), []).append(position)
    assert found == wanted


@given(st.integers(1, 5), st.lists(st.sampled_from("ab"), min_size=1, max_size=40))
def test_index_finds_the_same_however_few_runs_it_looks_up_at_once(few, words):
    index = index_names(enumerate([["a"] * 9, ["a", "b", "a"], ["b"], ["a", "a", "a", "b"]]))
    ids = np.array([index.ids[word] for word in words])
    found = index.find(ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgbert.linking.dictionary.index._MOST_RUNS", few)
        again = index.find(ids)

    assert all(np.array_equal(*columns) for columns in zip(found, again, strict=True))


@given(TEXTS)
def test_tokenizer_gives_words_with_their_offsets_also_after_its_cache_is_cleared(text):
    ids, normalizer = LINKER.index.ids, Normalizer(LINKER.rules)
    unknown_words = UnknownWords(ids.keys(), normalizer, lambda word: None)
    tokenizer = WordTokenizer(ids, normalizer, unknown_words)
    texts = [text, "fever\n \nskin", "", text]
    tokenized = tokenizer.tokenize(texts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kgbert.linking.dictionary.tokenizer._MAX_TOKENS", 0)
        again = tokenizer.tokenize(texts)

    every = np.arange(len(tokenized.ids))
    starts, ends = tokenized.spans(every, every)
    assert np.array_equal(tokenized.ids, again.ids)
    assert all(map(np.array_equal, (starts, ends), again.spans(every, every)))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        assert (start < 0 or end < 0) or not any(map(str.isspace, tokenized.joined[start:end]))
    owned = [
        tokenized.joined[at : at + len(one)]
        for at, one in zip(tokenized.text_starts, texts, strict=True)
    ]
    assert owned == texts


def test_hash_order_does_not_matter():
    program = (
        "from tests.linking.test_properties import LINKER;"
        "print(LINKER(['Sjögren fever skin tumour', 'type II fever (PKD)']), LINKER.settings)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(printed) == 1
    assert "E:1" in printed.pop()
