import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.core.hierarchy import ancestors, levels, parents
from kgbert.graph.storage.builder import GraphBuilder


def hierarchy(pairs, relation="rdfs:subClassOf"):
    builder = GraphBuilder()
    for child, parent in pairs:
        for entity in (child, parent):
            builder.add_name(f"{entity:06}", f"entity {entity}")
        builder.add_edge(f"{child:06}", relation, f"{parent:06}")
    return builder.build()


pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1)


@given(pairs)
def test_ancestors_are_what_networkx_reaches_nearest_first(pairs):
    graph = hierarchy(pairs)
    reference = nx.DiGraph(
        (graph.index(f"{child:06}"), graph.index(f"{parent:06}")) for child, parent in pairs
    )

    for entity in range(len(graph)):
        distance = nx.single_source_shortest_path_length(reference, entity)
        found = list(ancestors(graph, entity))

        assert set(found) == set(distance) - {entity}
        assert [distance[above] for above in found] == sorted(distance[above] for above in found)


@given(pairs)
def test_a_level_is_one_more_than_that_of_the_highest_parent(pairs):
    graph = hierarchy(pairs)
    level = levels(graph)

    for entity in range(len(graph)):
        above = [level[parent] for parent in parents(graph, entity)]
        reached = [depth for depth in above if depth >= 0]
        expected = 0 if not above else min(reached) + 1 if reached else -1
        assert level[entity] == expected


def test_a_chain_of_twenty_thousand_is_walked():
    graph = hierarchy((entity, entity + 1) for entity in range(20_000))

    assert len(list(ancestors(graph, 0))) == 20_000
    assert levels(graph).max() == 20_000


@pytest.mark.parametrize("relation", ["skos:related", "http://a.org/knows"])
def test_other_relations_do_not_climb(relation):
    graph = hierarchy([(1, 2)], relation)

    assert parents(graph, 0) == []
    assert list(ancestors(graph, 0)) == []


def test_the_class_of_concepts_does_not_hide_their_hierarchy():
    builder = GraphBuilder()
    builder.add_name("Concept", "concept")
    for narrower, broader in (("taxi", "car"), ("car", "vehicle")):
        builder.add_edge(narrower, "skos:broader", broader)
    for concept in ("taxi", "car", "vehicle", "boat"):
        builder.add_name(concept, concept)
        builder.add_edge(concept, "rdf:type", "Concept")
    graph = builder.build()

    level = dict(zip(graph.entity_ids, levels(graph).tolist(), strict=True))

    assert level == {"Concept": 0, "boat": 1, "vehicle": 0, "car": 1, "taxi": 2}
