import json

import pytest

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.analysis.coverage import coverage
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.stopwords import STOP_NAMES


def graph_of(**names: str) -> KnowledgeGraph:
    builder = GraphBuilder()
    for entity, text in names.items():
        builder.add_name(entity, text)
    return builder.build()


def cover(texts: list[str], graph: KnowledgeGraph):
    return coverage(texts, DictionaryLinker(graph), graph)


def test_shares_count_texts_and_words():
    found = cover(["Fever, back pain!", "Well.", ""], graph_of(a="fever", b="back pain"))

    assert (found.texts, found.linked_texts, found.mentions) == (3, 1, 2)
    assert (found.words, found.linked_words) == (4, 3)
    assert found.no_links_reason == ""


def test_overlapping_mentions_count_their_words_once():
    graph = graph_of(a="back pain", b="pain")
    nested = [Mention(0, 9, (Candidate("a", 1.0),)), Mention(5, 9, (Candidate("b", 1.0),))]

    found = coverage(["back pain now"], lambda texts: [nested], graph)

    assert (found.words, found.linked_words) == (3, 2)


def test_most_mentioned_come_first_and_ties_by_name():
    found = cover(["fever pain fever", "pain colic"], graph_of(a="pain", b="fever", c="colic"))

    assert [(it.entity, it.mentions) for it in found.top_entities] == [("a", 2), ("b", 2), ("c", 1)]
    assert [it.text for it in found.top_surfaces] == ["fever", "pain", "colic"]


def test_ambiguous_surfaces_are_listed():
    found = cover(["colic and pain"], graph_of(a="colic", b="Colic", c="pain"))

    assert [(it.text, it.candidates) for it in found.ambiguous] == [("colic", 2)]


def test_name_in_most_texts_is_named():
    texts = [f"lumbago {number} has pain" for number in range(30)]

    found = cover(texts, graph_of(a="lumbago", b="colic"))

    assert [it.text for it in found.too_frequent] == ["lumbago"]
    assert "lumbago: 100% of the texts" in str(found)


def test_a_generic_name_is_listed_with_the_remedy():
    found = cover(["the group", "groups", "a colic"], graph_of(a="group", b="colic"))

    assert [(it.name, it.texts, it.mentions) for it in found.generic] == [("group", 2, 2)]
    assert "--stop-names group" in str(found)


def test_the_stop_list_counts_what_remains_without_its_names():
    graph = graph_of(a="group", b="colic", c="study")
    texts = ["the group has a colic", "a group", "a study of groups", "colic", "nothing"]

    without = cover(texts, graph).stop_list
    linker = DictionaryLinker(graph, stop_names=STOP_NAMES.union(without.names))
    left = coverage(texts, linker, graph)

    assert without.names == ("group", "study")
    assert (without.linked_texts, without.mentions) == (left.linked_texts, left.mentions) == (2, 2)


def test_a_word_that_the_graph_uses_for_many_entities_is_generic():
    builder = GraphBuilder()
    builder.add_name("E:share", "Share")
    for number in range(30):
        builder.add_name(f"E:{number}", f"share of sort {number}")

    found = cover(["our shares fell"], builder.build())

    assert [(it.name, it.mentions, it.in_graph) for it in found.generic] == [("share", 1, 1.0)]


def test_an_acronym_is_no_generic_word():
    found = cover(["the AGE test"], graph_of(a="AGE"))

    assert (found.mentions, found.generic) == (1, ())


def test_texts_are_counted_by_their_mentions():
    found = cover(["gout", "gout gout", "none", "gout " * 50], graph_of(a="gout"))

    assert found.texts_by_mentions == (1, 1, 1, 0, 0, 0, 1)


def test_mentions_of_entities_with_nothing_but_names_are_isolated():
    builder = GraphBuilder()
    for name in ("gout", "colic", "fever", "sign"):
        builder.add_name(name, name)
    builder.add_edge("fever", "rdfs:subClassOf", "sign")
    builder.add_entity("colic", "pain that comes and goes")

    found = cover(["gout, colic and fever"], builder.build())

    assert (found.mentions, found.isolated_mentions) == (3, 1)


def test_few_texts_say_nothing_about_frequency():
    assert cover(["pain", "pain"], graph_of(a="pain")).too_frequent == ()


@pytest.mark.parametrize(
    ("texts", "names", "reason"),
    [
        ([], {"a": "fever"}, "all texts are empty"),
        (["  "], {"a": "fever"}, "all texts are empty"),
        (["fever"], {}, "the graph has no names"),
        (["leichtes fieber"], {"a": "発熱"}, "names are written in CJK, the texts in LATIN"),
        (["a fever"], {"a": "hasFever", "b": "back_pain"}, "look like identifiers"),
        (["a fever"], {"a": "D000602", "b": "17.3"}, "names are codes ('D000602'), which texts do"),
        (["leichtes fieber"], {"a": "fever"}, "no word in common"),
        (["pain of the knee"], {"a": "chronic knee pain"}, "nearest is 'chronic knee pain'"),
    ],
)
def test_the_lack_of_mentions_is_explained(texts, names, reason):
    found = cover(texts, graph_of(**names))

    assert reason in found.no_links_reason
    assert f"NOTHING WAS LINKED: {found.no_links_reason}" in str(found)
    assert found.assessment.outcome == "none"


def test_coverage_goes_to_json():
    found = cover(["fever and pain", "none"], graph_of(a="pain", b="fever"))

    written = json.loads(json.dumps(found.as_dict()))

    assert written["text_share"] == 0.5
    assert written["assessment"]["outcome"] == "too few texts"
    assert written["top_entities"][0] == {"entity": "a", "name": "pain", "mentions": 1}


def test_entity_that_the_graph_lacks_does_not_break_the_report():
    graph = graph_of(a="pain")

    found = coverage(["pain"], lambda texts: [[Mention(0, 4, (Candidate("gone", 1.0),))]], graph)

    assert found.top_entities[0].name == ""


def test_matching_rules_are_counted_and_reported():
    builder = GraphBuilder()
    builder.add_name("E:1", "Polycystic kidney dysplasia")
    graph = builder.build()
    texts = ["polycystic kidney dysplasia (PKD)", "renal polycystic dysplasias", "PKD"]
    texts += ["polycystic renal dysplasias"]

    found = coverage(texts, DictionaryLinker(graph, domain_words="medicine"), graph)

    assert found.rules == {"abbreviations": 1, "organs": 1, "plural": 1, "exact match": 1}
    assert found.as_dict()["rules"] == found.rules
    assert "rules that matched them:\n  1 × abbreviations" in str(found)


def test_the_common_words_are_those_of_the_linkers_domain():
    graph = graph_of(a="patient", b="colic")

    general = coverage(["a patient"], DictionaryLinker(graph), graph)
    medical = coverage(["a patient"], DictionaryLinker(graph, domain_words="medicine"), graph)

    assert not general.generic
    assert [it.name for it in medical.generic] == ["patient"]
