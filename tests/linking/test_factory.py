import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.caching import RememberingLinker
from kgbert.linking.dictionary.char_ngram import NearestNameLinker
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.factory import (
    LINKERS,
    linker_from_settings,
    linker_settings,
    make_linker,
    parts_of,
)
from kgbert.linking.normalization.stopwords import STOP_NAMES
from tests.support.tiny import tiny_graph

TEXTS = ["fever and coughs", "", "pneumonias", "ñandú 漢字"]


@pytest.mark.parametrize("name", [*LINKERS, "dictionary+nearest"])
def test_a_linker_is_the_same_after_saving_its_settings(name):
    linker = make_linker(tiny_graph(), name)

    again = linker_from_settings(tiny_graph(), linker_settings(linker))

    assert again(TEXTS) == linker(TEXTS)


@pytest.mark.parametrize("name", [*LINKERS, "dictionary+nearest"])
def test_mentions_lie_inside_their_text_and_name_entities_of_the_graph(name):
    found = make_linker(tiny_graph(), name)(TEXTS)

    assert len(found) == len(TEXTS)
    for text, mentions in zip(TEXTS, found, strict=True):
        for mention in mentions:
            assert 0 <= mention.start < mention.end <= len(text)
            assert all(x.entity in tiny_graph() and 0 < x.score <= 1 for x in mention.candidates)


@pytest.mark.parametrize("name", ["dictionary", "dictionary+nearest"])
def test_settings_are_those_of_the_dictionary_and_saved_with_it(name):
    settings = LinkerSettings(rules=frozenset(["hyphens"]), stop_names=STOP_NAMES | {"Lung"})

    made = make_linker(tiny_graph(), name, settings=settings)

    again = linker_from_settings(tiny_graph(), linker_settings(made))
    assert LinkerSettings.from_dict(linker_settings(again)[0]) == settings
    assert parts_of(again)[0](["a lung", "fevers", "a fever"])[:2] == [[], []]
    assert again(TEXTS) == made(TEXTS)


def test_settings_for_a_linker_that_asks_no_dictionary_are_refused():
    with pytest.raises(ValueError, match="'nearest' matches whole texts"):
        make_linker(tiny_graph(), "nearest", settings=LinkerSettings())


def test_combined_linker_finds_what_its_parts_find():
    parts = [make_linker(tiny_graph(), name)(TEXTS) for name in LINKERS]

    both = make_linker(tiny_graph(), "+".join(LINKERS))(TEXTS)

    assert both == [sorted(one + other) for one, other in zip(*parts, strict=True)]


def test_linker_of_the_users_own_cannot_be_saved():
    with pytest.raises(ValueError, match="a linker of type function cannot be saved"):
        linker_settings(lambda texts: [[] for _ in texts])


def test_remembering_asks_once_for_each_text_and_is_saved_as_what_it_asks():
    asked = []
    linker = make_linker(tiny_graph(), "dictionary")

    def counted(texts):
        asked.extend(texts)
        return linker(texts)

    remembering = RememberingLinker(counted)

    assert remembering(["fever", "lung", "fever"]) == linker(["fever", "lung", "fever"])
    assert remembering(["lung"]) == linker(["lung"])
    assert asked == ["fever", "lung"]
    assert linker_settings(RememberingLinker(linker)) == linker_settings(linker)


def test_nearest_names_come_best_first_and_no_more_than_asked_for():
    (mention,) = NearestNameLinker(tiny_graph(), candidates=2, threshold=0.01)(["fever lung"])[0]

    scores = [candidate.score for candidate in mention.candidates]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_nothing_below_the_threshold_is_proposed():
    assert NearestNameLinker(tiny_graph(), threshold=1.0)(["feverish"]) == [[]]


def test_an_exact_name_is_the_nearest_whatever_its_case():
    (mention,) = NearestNameLinker(tiny_graph())(["PNEUMONIA"])[0]

    assert mention.candidates[0] == ("EX:0", 1.0)


def test_more_texts_than_a_block_are_linked_like_a_few():
    linker = NearestNameLinker(tiny_graph())

    assert linker(TEXTS * 200) == linker(TEXTS) * 200


def test_graph_without_names_proposes_nothing():
    builder = GraphBuilder()
    builder.add_entity("X:1")

    assert NearestNameLinker(builder.build())(["fever"]) == [[]]
