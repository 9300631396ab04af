from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.health.plots import structure_figures
from kgbert.graph.health.structure import BRANCHES, graph_structure
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.growth import assert_linear


def built(edges, entities=(), relation="rdfs:subClassOf"):
    builder = GraphBuilder()
    for entity in {*entities, *(end for edge in edges for end in edge)}:
        builder.add_name(entity, entity)
    for child, parent in edges:
        builder.add_edge(child, relation, parent)
    return builder.build()


entities = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(entities, entities)))
def test_every_entity_is_in_one_class_of_degrees(edges):
    shape = graph_structure(built(edges, "abcdefgh"))

    assert sum(count for _, _, count in shape.degrees) == 8
    assert all(high + 1 == low for (_, high, _), (low, _, _) in pairwise(shape.degrees))


@given(st.lists(st.tuples(entities, entities)))
def test_branches_share_the_entities_of_a_hierarchy_out(edges):
    acyclic = [(max(pair), min(pair)) for pair in edges if len(set(pair)) == 2]

    shape = graph_structure(built(acyclic, "abcdefgh"))

    inside = len({end for edge in acyclic for end in edge})
    total = sum(branch.entities for branch in shape.branches)
    assert sum(shape.level_sizes) == inside
    assert total == inside if not shape.trunk else total < inside


@given(st.lists(st.tuples(entities, entities)))
def test_cycles_end(edges):
    shape = graph_structure(built(edges))

    assert sum(shape.level_sizes) <= 8


def test_a_root_above_nearly_everything_is_the_trunk():
    edges = [("one", "root"), ("two", "root"), *((f"{i}", "one") for i in range(5))]

    shape = graph_structure(built(edges))

    assert shape.trunk == "root"
    assert [(branch.name, branch.entities) for branch in shape.branches] == [("one", 6), ("two", 1)]
    assert [branch.name for branch in shape.branches[0].branches] == ["0", "1", "2", "3", "4"]


def test_an_entity_with_two_parents_counts_once():
    shape = graph_structure(built([("b", "a"), ("c", "a"), ("d", "b"), ("d", "c")]))

    assert [(branch.name, branch.entities) for branch in shape.branches] == [("b", 2), ("c", 1)]


def test_many_branches_are_cut_to_the_largest():
    shape = graph_structure(built([(f"{i}", f"root {i}") for i in range(40)]))

    assert len(shape.branches) == BRANCHES


def test_a_deep_hierarchy_is_no_harder_than_a_flat_one():
    deep = {
        size: built([(f"{i + 1:06}", f"{i:06}") for i in range(size)]) for size in (1_000, 16_000)
    }

    assert_linear(lambda size: graph_structure(deep[size]), 1_000)
    assert graph_structure(deep[16_000]).level_sizes == (1,) * 16_001


@pytest.mark.parametrize("graph", [built([]), built([("a", "b")], relation="knows")])
def test_a_graph_without_a_hierarchy_has_no_levels(graph):
    shape = graph_structure(graph)

    assert (shape.level_sizes, shape.trunk, shape.branches) == ((), "", ())


@pytest.mark.parametrize(("roots", "dots"), [(3, False), (7, True)])
def test_dots_stand_for_branches_that_the_report_leaves_out(roots, dots):
    graph = built([(f"{i}", f"root {i}") for i in range(roots)])

    (line,) = [x for x in str(graph.health()).splitlines() if x.startswith("  branches")]

    assert line.endswith(" ...") is dots


def test_the_plots_show_branches_with_their_parts_and_sum_up_deep_levels():
    chain = [(f"e{level + 1:02}", f"e{level:02}") for level in range(20)]
    fork = [("left", "e01"), ("right", "e01"), ("leaf", "left")]

    figures = {x.title: str(x.svg) for x in structure_figures(graph_structure(built(chain + fork)))}

    branches, depth = list(figures.values())[:2]
    assert "e02" in branches
    assert "left" in branches
    assert "16 and more" in depth
