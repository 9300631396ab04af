from kgbert.graph.core.branches import branch_tops, branches_above
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.tiny import tiny_graph


def tree(*edges):
    builder = GraphBuilder()
    for child, parent in edges:
        builder.add_name(child, child)
        builder.add_name(parent, parent)
        builder.add_edge(child, "rdfs:subClassOf", parent)
    return builder.build()


def test_a_root_above_most_of_the_graph_gives_way_to_its_children():
    graph = tree(("b", "a"), ("c", "a"), ("d", "b"), ("e", "c"))

    assert {graph.name(top) for top in branch_tops(graph)} == {"b", "c"}


def test_an_entity_below_two_branches_belongs_to_both():
    graph = tree(("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("e", "c"), ("f", "b"))

    assert branches_above(graph, ["d"]) == {"b", "c"}


def test_the_root_itself_belongs_to_no_branch():
    graph = tree(("b", "a"), ("c", "a"), ("d", "b"), ("e", "c"))

    assert branches_above(graph, ["a"]) == set()


def test_what_is_not_in_the_graph_belongs_to_no_branch():
    assert branches_above(tiny_graph(), ["EX:elsewhere"]) == set()


def test_cycles_end():
    graph = tree(("a", "b"), ("b", "a"), ("c", "d"))

    assert branches_above(graph, ["a"]) == set()
    assert branches_above(graph, ["c"]) == {"d"}
