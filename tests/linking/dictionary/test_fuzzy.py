import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.evidence import match_evidence
from kgbert.linking.analysis.explain import explain_match
from kgbert.linking.dictionary.fuzzy import TYPO_FACTOR, FuzzyMatcher, is_one_edit_apart
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.factory import linker_from_settings, linker_settings
from tests.support.errors import raises

LETTERS = st.text("abc", min_size=1, max_size=6)


def linker_of(*names: str, fuzzy_min_length: int = 6, **choices: object) -> DictionaryLinker:
    builder = GraphBuilder()
    for number, name in enumerate(names):
        builder.add_name(f"E:{number}", name)
    return DictionaryLinker(builder.build(), fuzzy_min_length=fuzzy_min_length, **choices)


def slips(word: str) -> set[str]:
    """Return every word that is one edit after the first letter apart."""
    made = set()
    for i in range(1, len(word) + 1):
        made |= {word[:i] + letter + word[i:] for letter in "abc"}
        if i < len(word):
            made |= {word[:i] + letter + word[i + 1 :] for letter in ("", *"abc")}
            made.add(word[:i] + word[i : i + 2][::-1] + word[i + 2 :])
    return made - {word}


@given(LETTERS, LETTERS)
def test_one_off_is_one_letter_wrong_missing_added_or_swapped(word, known):
    assert is_one_edit_apart(word, known) == (word in slips(known))


@given(st.lists(LETTERS, unique=True, max_size=6), LETTERS)
def test_speller_means_the_only_known_word_that_is_one_off(known, word):
    near = [other for other in known if is_one_edit_apart(word, other)]

    meant = FuzzyMatcher(known, shortest=1).correct(word)

    assert meant == (near[0] if len(near) == 1 else None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Hypertension", "hypertenson"),
        ("Polycystic kidney disease", "polycistic kidney disease"),
        ("Skin neoplasms", "skin neolpasm"),
        ("Hepatosplenomegaly", "Hepatospleenomegaly"),
        ("Neuropathy, Peripheral", "perpheral neuropathies"),
    ],
)
def test_name_with_a_typo_is_found_only_where_typos_are_forgiven(name, text):
    [[mention]] = linker_of(name)([text])

    assert (mention.start, mention.end) == (0, len(text))
    assert linker_of(name, fuzzy_min_length=0)([text]) == [[]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Hypotension", "hypertension"),
        ("Fever", "feverr"),
        ("Colitis", "molitis"),
        ("Type 1234567", "type 1234568"),
        ("Measles", "measures"),
    ],
)
def test_what_is_shorter_or_differs_by_more_is_no_typo(name, text):
    assert linker_of(name, fuzzy_min_length=8 if name == "Fever" else 6)([text]) == [[]]


def test_word_that_could_be_two_is_none():
    assert linker_of("Gamble", "Gamete")(["gamele"]) == [[]]


def test_known_word_is_no_typo_of_another():
    linker = linker_of("Hypothermia", "Hyperthermia")

    [mentions] = linker(["hyperthermia, hypothermia"])

    assert [mention.candidates for mention in mentions] == [(("E:1", 1.0),), (("E:0", 1.0),)]


def test_typo_scores_below_the_exact_name_and_is_reported():
    linker = linker_of("Hypertension")

    [[mention]] = linker(["hypertenson"])

    assert mention.candidates[0].score == TYPO_FACTOR
    assert match_evidence(linker, "hypertenson", mention) == (("Hypertension", ("typo",)),)


def test_choice_is_saved_with_the_linker():
    linker = linker_of("Hypertension", fuzzy_min_length=7)

    again = linker_from_settings(linker.graph, json.loads(json.dumps(linker_settings(linker))))

    assert again.settings["fuzzy_min_length"] == 7
    assert again(["hypertenson"]) == linker(["hypertenson"]) != [[]]


def test_settings_without_a_field_are_refused():
    linker = linker_of("Hypertension", fuzzy_min_length=0)
    settings = linker.settings
    del settings["fuzzy_min_length"]

    with raises("incomplete-linker-settings"):
        DictionaryLinker.from_settings(linker.graph, settings)


def test_too_short_words_are_refused():
    with raises("fuzzy-min-length-too-short"):
        linker_of("Fever", fuzzy_min_length=3)


def test_a_typo_can_be_explained():
    answer = explain_match(linker_of("Hypertension"), "hypertenson", "hypertension")

    assert "'hypertenson' at 0 is 'Hypertension', by the rule typo" in answer
