from dataclasses import replace
from itertools import chain

import pytest

from kgbert.graph.merge import merge_graphs
from kgbert.graph.read import read_graph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.caching import CachingLinker
from kgbert.linking.dictionary.char_ngram import CharNgramLinker
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.factory import (
    LINKERS,
    component_linkers,
    linker_from_settings,
    linker_settings,
    make_linker,
)
from kgbert.linking.gold_names import with_added_names
from kgbert.linking.normalization.stopwords import STOP_NAMES
from tests.support.errors import raises
from tests.support.tiny import tiny_graph

TEXTS = ["fever and coughs", "", "pneumonias", "ñandú 漢字"]


@pytest.mark.parametrize("name", LINKERS)
def test_a_linker_is_the_same_after_saving_its_settings(name, complete_name):
    linker = make_linker(tiny_graph(), complete_name(name))

    again = linker_from_settings(tiny_graph(), linker_settings(linker))

    assert again(TEXTS) == linker(TEXTS)


@pytest.mark.parametrize("name", LINKERS)
def test_mentions_lie_inside_their_text_and_name_entities_of_the_graph(name, complete_name):
    found = make_linker(tiny_graph(), complete_name(name))(TEXTS)

    assert len(found) == len(TEXTS)
    for text, mentions in zip(TEXTS, found, strict=True):
        for mention in mentions:
            assert 0 <= mention.start < mention.end <= len(text)
            assert all(x.entity in tiny_graph() and 0 < x.score <= 1 for x in mention.candidates)


@pytest.mark.parametrize("name", ["dictionary", "dictionary+char-ngram"])
def test_settings_are_those_of_the_dictionary_and_saved_with_it(name):
    settings = LinkerSettings(
        rules=frozenset(["hyphens"]), stop_names=STOP_NAMES | {"Lung"}
    ).for_domain("none")

    made = make_linker(tiny_graph(), name, settings=settings)

    again = linker_from_settings(tiny_graph(), linker_settings(made))
    assert LinkerSettings.from_dict(linker_settings(again)[0]) == settings
    assert component_linkers(again)[0](["a lung", "fevers", "a fever"])[:2] == [[], []]
    assert again(TEXTS) == made(TEXTS)


def test_settings_for_a_linker_without_a_dictionary_are_refused():
    with raises("linker-without-dictionary"):
        make_linker(tiny_graph(), "char-ngram", settings=LinkerSettings())


def test_a_combined_linker_returns_the_mentions_of_its_parts(complete_name):
    names = [complete_name(name) for name in LINKERS]
    parts = [make_linker(tiny_graph(), name)(TEXTS) for name in names]

    combined = make_linker(tiny_graph(), "+".join(names))

    assert combined(TEXTS) == [sorted(chain(*linked)) for linked in zip(*parts, strict=True)]
    again = linker_from_settings(tiny_graph(), linker_settings(combined))
    assert again(TEXTS) == combined(TEXTS)


def test_a_callable_without_settings_cannot_be_saved():
    with raises("linker-not-saveable"):
        linker_settings(lambda texts: [[] for _ in texts])


def test_a_caching_linker_links_each_text_once_and_has_the_settings_of_its_linker():
    linked = []
    linker = make_linker(tiny_graph(), "dictionary")

    def counted(texts):
        linked.extend(texts)
        return linker(texts)

    caching = CachingLinker(counted)

    assert caching(["fever", "lung", "fever"]) == linker(["fever", "lung", "fever"])
    assert caching(["lung"]) == linker(["lung"])
    assert linked == ["fever", "lung"]
    assert linker_settings(CachingLinker(linker)) == linker_settings(linker)


def test_nearest_names_come_best_first_up_to_the_limit():
    (mention,) = CharNgramLinker(tiny_graph(), candidates=2, threshold=0.01)(["fever lung"])[0]

    scores = [candidate.score for candidate in mention.candidates]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_nothing_below_the_threshold_is_proposed():
    assert CharNgramLinker(tiny_graph(), threshold=1.0)(["feverish"]) == [[]]


def test_an_exact_name_is_the_nearest_whatever_its_case():
    (mention,) = CharNgramLinker(tiny_graph())(["PNEUMONIA"])[0]

    assert mention.candidates[0] == ("EX:0", 1.0)


def test_more_texts_than_a_block_are_linked_like_a_few():
    linker = CharNgramLinker(tiny_graph())

    assert linker(TEXTS * 200) == linker(TEXTS) * 200


def test_graph_without_names_proposes_nothing():
    builder = GraphBuilder()
    builder.add_entity("X:1")

    assert CharNgramLinker(builder.build())(["fever"]) == [[]]


def medical_graph(domain=""):
    builder = GraphBuilder()
    builder.add_name("E:1", "Kidney failure")
    return replace(builder.build(), domain=domain)


@pytest.mark.parametrize(
    ("domain", "domain_words", "count"),
    [("", None, 0), ("medicine", None, 1), ("medicine", "none", 0), ("", "medicine", 1)],
)
def test_domain_words_are_those_of_the_settings_or_else_of_the_graph(domain, domain_words, count):
    graph = medical_graph(domain)

    linker = make_linker(graph, "dictionary", settings=LinkerSettings(domain_words=domain_words))

    again = linker_from_settings(medical_graph(), linker_settings(linker))
    assert [len(mentions) for mentions in linker(["renal failure"])] == [count]
    assert again(["renal failure"]) == linker(["renal failure"])


def test_a_graph_read_with_a_medical_card_has_its_domain_wherever_it_goes(tmp_path):
    path = tmp_path / "graph.csv"
    path.write_text("id,name\nE:1,Kidney failure\n")

    graph = read_graph(path, card="hpo", cache=None)

    assert graph.domain == "medicine"
    assert load_graph(save_graph(graph, tmp_path / "graph.kgbert")).domain == "medicine"
    assert merge_graphs({"one": graph, "two": medical_graph()}).domain == "medicine"
    assert with_added_names(graph, [("E:1", "kidney shutdown")]).domain == "medicine"
