"""Switch the sources of a merged graph on and off."""

import pytest

from kgbert.graph.core.sources import select_sources
from kgbert.graph.merge import merge_graphs
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.errors import raises


def part(names, edges=()):
    builder = GraphBuilder()
    for entity, name in names.items():
        builder.add_name(entity, name)
    for edge in edges:
        builder.add_edge(*edge)
    return builder


@pytest.fixture
def parts():
    one = part({"A:1": "fever", "A:2": "sign", "X:1": "cough"}, [("A:1", "is_a", "A:2")])
    two = part({"B:1": "ague", "X:1": "tussis"}, [("B:1", "treats", "X:1"), ("X:1", "is_a", "B:1")])
    two.replaced["B:0"] = "B:1"
    two.add_reference("B:1", "skos:exactMatch", "Z:1")
    return {"one": one.build(), "two": two.build()}


def test_a_source_that_shares_nothing_is_what_it_was(parts):
    other = part({"C:1": "gout", "C:2": "joint"}, [("C:1", "affects", "C:2")]).build()
    merged = merge_graphs({**parts, "three": other})

    assert select_sources(merged, ["three"]) == other
    assert select_sources(merged, ["one", "two"]) == merge_graphs(parts)
    assert select_sources(merged, ["one", "two", "three"]) == merged


def test_what_no_other_source_has_is_left_out(parts):
    merged = merge_graphs(parts)

    one, two = select_sources(merged, ["one"]), select_sources(merged, ["two"])

    assert list(one.entity_ids) == ["A:1", "A:2", "X:1"]
    assert one.entity("X:1").edges == ()
    assert one.relation_ids == ("is_a",)
    assert [x.text for x in one.entity("X:1").names] == ["cough", "tussis"]
    assert not one.replaced
    assert not list(one.references)
    assert list(two.entity_ids) == ["B:1", "X:1"]
    assert two.entity("B:0").edges == (("treats", "X:1"),)
    assert two.entity("X:1").edges == (("is_a", "B:1"),)
    assert two.entity("X:1").sources == ("two",)
    assert [tail for *_, tail in two.references] == ["Z:1"]
    assert (one.source, two.source) == ("one", "two")


def test_a_selection_is_saved_and_loaded(parts, tmp_path):
    selected = select_sources(merge_graphs(parts), ["two"])

    save_graph(selected, tmp_path / "g.safetensors")

    assert load_graph(tmp_path / "g.safetensors") == selected


def test_other_sources_are_refused(parts):
    with raises("unknown-graph-source"):
        select_sources(merge_graphs(parts), ["three"])
    with raises("unknown-graph-source"):
        select_sources(merge_graphs(parts), [])
    with raises("one-source"):
        select_sources(parts["one"], ["one"])
