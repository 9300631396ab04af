import pytest

from kgbert.graph.builder import GraphBuilder
from kgbert.linking.linkers import linker_settings, make_linker
from kgbert.linking.stop_list import ordinary_stop_names, without_names


def graph_of(*names):
    builder = GraphBuilder()
    for name in names:
        builder.add_name(f"E:{name}", name)
    return builder.build()


@pytest.mark.parametrize("kind", ["dictionary", "dictionary+nearest"])
def test_other_names_are_linked_as_before(kind):
    graph = graph_of("group", "share")
    linker = make_linker(graph, kind)

    stopped = without_names(linker, graph, ["Group"])

    assert stopped(["a share"]) == linker(["a share"])
    assert "group" in linker_settings(stopped)[0]["stop_names"]


def test_an_acronym_is_linked_though_its_word_is_stopped():
    graph = graph_of("AGE")

    stopped = without_names(make_linker(graph, "dictionary"), graph, ["age"])

    assert len(stopped(["the AGE test"])[0]) == 1


def test_a_linker_without_a_stop_list_is_refused():
    graph = graph_of("group")

    with pytest.raises(ValueError, match="nearest matches whole texts and has no stop list"):
        without_names(make_linker(graph, "nearest"), graph, ["group"])


def test_ordinary_words_are_those_of_the_graph_and_those_of_english():
    graph = graph_of("tariff", *(f"tariff of sort {number}" for number in range(20)))

    assert {"tariff", "patient"} <= ordinary_stop_names(graph)
    assert "tariff" not in ordinary_stop_names(graph_of("tariff"))
