import re

import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.explain import explain_match
from kgbert.linking.dictionary.linker import DictionaryLinker
from tests.support.errors import raises


def linker_of(*names: str, **choices: object) -> DictionaryLinker:
    builder = GraphBuilder()
    for number, name in enumerate(names):
        builder.add_name(f"E:{number}", name)
    return DictionaryLinker(builder.build(), **choices)


@pytest.mark.parametrize(
    ("names", "choices", "text", "name", "reason"),
    [
        (
            ["Fever"],
            {},
            "some fever",
            "fever",
            "it is found: 'fever' at 5 is 'Fever', exact match",
        ),
        (["Skin tumour"], {}, "skin tumors", "skin tumour", "by the rules spelling, plural"),
        (["Fever"], {}, "some fever", "cough", "no name 'cough'.*add it to the graph"),
        (["Fevers"], {}, "some fever", "fever", "no name 'fever'; by the rules it matches"),
        (["Fevers"], {}, "a cough", "fever", "matches 'Fevers': the text lacks words"),
        (["Fevers"], {"rules": []}, "a fever", "fevers", "rule 'plural' were switched on"),
        (["AIDS"], {}, "hearing aids", "AIDS", "an acronym needs its capitals"),
        (["All"], {}, "all is well", "all", "it is a stop name"),
        (["Number"], {"min_score": 0.6}, "a number", "number", "score 0.5 is below min_score"),
        (["Knee pain"], {}, "pain in a knee", "knee pain", "not side by side"),
        (["Knee pain"], {}, "his knee", "knee pain", "lacks words of 'Knee pain': 'pain'"),
        (["Fever"], {}, "xfevering", "fever", "'xfevering' is another word"),
        (
            ["Fever"],
            {},
            "a fevre",
            "fever",
            "'fevre' may be a typo, which fuzzy_min_length=4 forgives",
        ),
        (["Fever"], {"fuzzy_min_length": 5}, "a feverrr", "fever", "'feverrr' is another word"),
        (
            ["Fever", "Cold fever"],
            {},
            "cold",
            "fever",
            "lacks words of 'Fever': 'fever' .*form.\\.$",
        ),
        (["Pain", "Knee pain"], {}, "knee pain", "pain", "belong to a longer or earlier mention"),
        (["Colic", "colic"], {"max_candidates": 1}, "colic", "colic", "is found|max_candidates"),
        (["Fever"], {}, "a fevers", "fever", "by the rule plural\\."),
        (["Hot fever", "Fever"], {}, "", "hot", "give one of its names: 'Hot fever'\\.$"),
        (["Cold fever", "Fever"], {}, "", "fevre cold", "one of its names: 'Cold fever'\\.$"),
        (["Cold fever"], {}, "", "cold feet", "as a synonym\\.$"),
        (["Cold fever"], {}, "no CF.", "cold fever", "'CF' may abbreviate it, but the text does"),
        (["Cold fever"], {}, "no cf or CFX", "cold fever", "normal form\\)\\.$"),
    ],
)
def test_reason_is_the_one_that_stands_in_the_way(names, choices, text, name, reason):
    answer = explain_match(linker_of(*names, **choices), text, name)

    assert re.search(reason, answer), answer


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_name_without_words_is_refused(name):
    with raises("name-without-words"):
        explain_match(linker_of("Fever"), "a fever", name)


def test_an_id_is_answered_with_its_names():
    assert (
        explain_match(linker_of("Fever", "Cough"), "a fever", "E:1")
        == "'E:1' is an entity's id; give one of its names: 'Cough'."
    )


def test_the_exact_name_is_reported_before_others_of_its_entity():
    builder = GraphBuilder()
    for name in ("Seizure", "Epilepsy", "Convulsion"):
        builder.add_name("E:1", name)
    linker = DictionaryLinker(builder.build())

    itself = explain_match(linker, "seizures and epilepsy", "Epilepsy")
    other = explain_match(linker, "seizures and epilepsy", "Convulsion")

    assert itself == "it is found: 'epilepsy' at 13 is 'Epilepsy', exact match."
    assert other == (
        "its entity is found by another name: 'seizures' at 0 is 'Seizure', by the rule plural."
    )
