import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgbert.graph.health.report import Finding
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.five_entities import expected


def built(names, edges=()):
    builder = GraphBuilder()
    for entity, *texts in names:
        builder.add_entity(entity)
        for text in texts:
            builder.add_name(entity, text, "exact")
    for head, relation, tail in edges:
        builder.add_edge(head, relation, tail)
    return builder.build()


def test_a_sound_graph_has_numbers_and_no_findings():
    health = expected().health()

    assert (health.entities, health.names, health.definitions, health.edges) == (5, 8, 1, 4)
    assert health.relations == (("rdfs:subClassOf", "is a", 3), ("BFO:0000050", "part of", 1))
    assert health.languages == (("", 8),)
    assert health.depth == 1
    assert health.roots.count == 2
    assert health.components == Finding(1, ("5 entities",))
    assert health.ambiguous_names == health.unnamed == health.cycles == Finding(0)


def test_entities_without_a_name_are_listed():
    assert built([("A:1",), ("A:2", "two")]).health().unnamed == Finding(1, ("A:1",))


def test_a_name_of_two_entities_is_ambiguous_whatever_its_case():
    health = built([("A:1", "Cold"), ("A:2", "cold"), ("A:3", "warm")]).health()

    assert health.ambiguous_names == Finding(1, ("cold: A:1, A:2",))


def test_a_name_that_an_entity_has_twice_is_a_duplicate():
    assert built([("A:1", "Cold", "cold")]).health().duplicate_names == Finding(1, ("cold",))


@pytest.mark.parametrize("name", ["a", "X", "of", "all", "With", "there", "1", "2-3", "?", "2020"])
def test_a_name_that_matches_too_much_is_suspicious(name):
    assert built([("A:1", name)]).health().suspicious_names == Finding(1, (name,))


@pytest.mark.parametrize("name", ["fever", "MI", "WITH", "痛", "TP53", "3-MC"])
def test_an_ordinary_name_is_not_suspicious(name):
    assert built([("A:1", name)]).health().suspicious_names.count == 0


def test_cycles_are_named_in_their_order():
    edges = [("a", "rdfs:subClassOf", "b"), ("b", "rdfs:subClassOf", "c")]
    edges += [("c", "rdfs:subClassOf", "a"), ("d", "rdfs:subClassOf", "e")]
    edges += [("e", "rdfs:subClassOf", "d")]

    cycles = built([(entity, entity) for entity in "abcde"], edges).health().cycles

    assert cycles == Finding(2, ("a → b → c → a", "d → e → d"))


def test_a_cycle_of_another_relation_is_no_finding():
    edges = [("a", "knows", "b"), ("b", "knows", "a")]

    assert built([("a", "a"), ("b", "b")], edges).health().cycles.count == 0


def test_an_entity_with_most_of_the_edges_is_a_hub():
    names = [(f"A:{number}", f"entity {number}") for number in range(200)]
    edges = [(f"A:{number}", "rdfs:subClassOf", "A:0") for number in range(1, 200)]

    assert built(names, edges).health().hubs == Finding(1, ("entity 0 (A:0): 199 edges",))


def test_json_equals_the_fields():
    health = expected().health()

    content = json.loads(health.json())

    assert content["entities"] == health.entities
    assert content["roots"] == {"count": 2, "examples": list(health.roots.examples)}


def test_the_page_shows_what_is_wrong():
    graph = built([("A:1",), ("A:2", "cold"), ("A:3", "Cold"), ("A:4", "x")])

    page = str(graph.health())

    assert "entities without a name: 1" in page
    assert "cold: A:2, A:3" in page
    assert "suspicious names: 1" in page
    assert max(map(len, page.splitlines())) <= 100


def test_one_thing_is_in_the_singular():
    graph = built([("A:1", "cold"), ("A:2", "flu")], [("A:1", "knows", "A:2")])

    assert repr(graph) == "KnowledgeGraph(2 entities, 2 names, 1 edge, 1 relation)"
    assert "the largest of 2 entities; 0 entities alone" in str(graph.health())


def test_a_graph_without_hierarchy_has_no_depth_below_no_root():
    graph = built([("A:1", "cold"), ("A:2", "flu")], [("A:1", "knows", "A:2")])

    assert "depth       no hierarchy" in str(graph.health())


def test_an_address_is_not_broken():
    address = f"http://example.org/{'long/' * 20}1.owl"

    page = str(replace(built([("A:1", "cold")]), version=f"one.owl 2; two.owl {address}").health())

    assert address in page


def test_names_that_are_nearly_all_codes_are_warned_of():
    few = built([("A:1", "D000602"), ("A:2", "fever")]).health()
    health = built([(f"D{number:03}", f"D{number:03}") for number in range(20)]).health()

    assert few.code_names.count == 0
    assert (health.code_names.count, health.code_names.examples[0]) == (20, "D000")
    assert "names that are codes: 20 (texts do not contain codes: merge" in str(health)


entities = st.sampled_from("abcdef")


@given(st.lists(st.tuples(entities, st.sampled_from(["rdfs:subClassOf", "knows"]), entities)))
def test_any_graph_can_be_examined(edges):
    graph = built([(entity, entity) for entity in "abcdef"], edges)

    health = graph.health()

    alone = health.orphans.count
    assert sum(int(size.split()[0]) for size in health.components.examples) + alone == 6
    assert str(health)
    assert json.loads(health.json())


def test_an_empty_graph_can_be_examined():
    assert "0" in str(GraphBuilder().build().health())
