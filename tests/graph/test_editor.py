"""Edit graphs."""

import pytest

import kgbert
from kgbert.graph.editor import GraphEditor
from kgbert.graph.merge import merge_graphs
from kgbert.graph.storage.builder import GraphBuilder
from tests.support.errors import raises


def test_without_edits_the_graph_is_the_same(graph):
    assert GraphEditor(graph).build() == graph
    assert GraphEditor(graph).build().source == graph.source


def test_the_graph_itself_does_not_change(graph):
    before = graph.hash
    edited = GraphEditor(graph).retire("EX:1").build()

    assert (graph.hash, len(graph)) == (before, len(edited) + 1)


def test_entities_are_added_with_names_and_edges(graph):
    editor = GraphEditor(graph).add_entity("EX:9", "ague", synonyms=["chill"], definition="Old.")
    edited = editor.add_edge("EX:9", "rdfs:subClassOf", "ex_4").build()

    entity = edited.entity("EX:9")
    assert (entity.name, entity.definition) == ("ague", "Old.")
    assert [(x.text, x.scope) for x in entity.names] == [("ague", "preferred"), ("chill", "exact")]
    assert entity.edges == (("rdfs:subClassOf", "EX:4"),)
    assert edited.source == "five entities (edited)"
    assert edited.notes[-1] == "edited: 1 entity added, 1 edge added"


def test_relations_are_found_by_name(graph):
    edited = GraphEditor(graph).remove_edge("EX:1", "has symptom", "EX:2").build()

    assert ("EX:has_symptom", "EX:2") not in edited.entity("EX:1").edges
    assert len(edited.heads) == len(graph.heads) - 1


def test_names_and_definitions_are_replaced(graph):
    edited = (
        GraphEditor(graph)
        .rename("EX:2", "pyrexia")
        .remove_name("EX:2", "high temperature")
        .add_name("EX:2", "heat", scope="related")
        .define("EX:2", "")
        .build()
    )

    entity = edited.entity("EX:2")
    assert [(x.text, x.scope) for x in entity.names] == [
        ("pyrexia", "preferred"),
        ("heat", "related"),
    ]
    assert entity.definition == ""


def test_a_retired_entity_takes_its_edges_with_it(graph):
    edited = GraphEditor(graph).retire("EX:4").build()

    assert "EX:4" not in edited
    assert edited.entity("EX:2").edges == ()
    assert len(edited.heads) == 3
    assert not edited.dropped_edges


def test_the_edges_to_a_replaced_entity_lead_to_its_replacement(graph):
    edited = GraphEditor(graph).retire("EX:2", replaced_by="EX:3").build()

    assert edited.entity("EX:2").id == "EX:3"
    assert edited.entity("EX:1").edges == (
        ("EX:has_symptom", "EX:3"),
        ("EX:located_in", "EX:5"),
    )


def test_the_sources_of_a_merged_graph_are_kept(graph):
    other = GraphBuilder()
    other.add_name("O:1", "other")
    merged = merge_graphs({"a": graph, "b": other.build()})

    edited = GraphEditor(merged).add_entity("N:1", "new").rename("O:1", "changed").build()

    assert edited.entity("O:1").sources == ("b",)
    assert edited.entity("N:1").sources == ("(edited)",)
    assert edited.origins.of_edge(0) == ("a",)


def test_redirected_edges_keep_their_sources(graph):
    other = GraphBuilder()
    other.add_name("O:1", "other")
    merged = merge_graphs({"a": graph, "b": other.build()})

    editor = GraphEditor(merged).retire("EX:2", replaced_by="EX:3")
    edited = editor.retire("EX:3", replaced_by="O:1").build()

    assert ("EX:has_symptom", "O:1") in edited.entity("EX:1").edges
    origins = [edited.origins.of_edge(position) for position in range(len(edited.heads))]
    assert origins == [("a",)] * len(edited.heads)


def test_edges_to_an_entity_whose_replacement_is_retired_are_removed(graph):
    editor = GraphEditor(graph).retire("EX:2", replaced_by="EX:3").retire("EX:3")
    edited = editor.build()

    assert edited.entity("EX:1").edges == (("EX:located_in", "EX:5"),)
    assert not edited.dropped_edges


def test_relations_may_be_written_as_in_tables(graph):
    edited = GraphEditor(graph).add_edge("EX:4", "is_a", "EX:5").build()

    assert ("rdfs:subClassOf", "EX:5") in edited.entity("EX:4").edges


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("fever", ", but a name of EX:2. Give the id."),
        ("EX:22", "; did you mean 'EX:2'?"),
        ("something else", ", which look like 'EX:1'. Correct it."),
    ],
)
def test_what_may_have_been_meant_by_an_unknown_id_is_said(graph, typed, hint):
    with pytest.raises(kgbert.GraphError) as error:
        GraphEditor(graph).retire(typed)

    assert str(error.value).endswith(f"no id of the 5 entities of five entities{hint}")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda x: x.rename("EX:77", "a"), "unknown-entity"),
        (lambda x: x.rename("", "a"), "unknown-entity"),
        (lambda x: x.rename("fever", "a"), "unknown-entity"),
        (lambda x: x.retire("EX:22"), "unknown-entity"),
        (lambda x: x.retire("EX:2").retire("EX:2"), "unknown-entity"),
        (lambda x: x.retire("EX:2").add_edge("EX:1", "has symptom", "EX:2"), "unknown-entity"),
        (lambda x: x.retire("EX:2", replaced_by="EX:99"), "unknown-entity"),
        (lambda x: x.retire("EX:2", replaced_by="EX:2"), "replaces-itself"),
        (lambda x: x.add_entity("EX:2", "twice"), "entity-exists"),
        (lambda x: x.retire("EX:2").add_entity("EX:2", "again"), "entity-exists"),
        (lambda x: x.add_entity(" ", "nobody"), "unknown-entity"),
        (lambda x: x.add_entity("EX:9", " "), "empty-name"),
        (lambda x: x.rename("EX:2", ""), "empty-name"),
        (lambda x: x.remove_name("EX:2", "cold"), "unknown-entity-name"),
        (lambda x: x.add_edge("EX:2", "cures", "EX:1"), "unknown-relation"),
        (lambda x: x.add_edge("EX:1", "has symptom", "EX:2"), "edge-exists"),
        (lambda x: x.remove_edge("EX:2", "has symptom", "EX:1"), "unknown-edge"),
    ],
)
def test_an_edit_that_cannot_be_made_is_refused(graph, edit, code):
    with raises(code):
        edit(GraphEditor(graph))


def test_what_the_reader_dropped_and_references_stay_known():
    builder = GraphBuilder()
    for entity in ("EX:1", "EX:2"):
        builder.add_name(entity, entity.lower())
        builder.add_reference(entity, "oboInOwl:hasDbXref", "MESH:1")
    builder.drop_edges("an end is obsolete", 3, "EX:9")

    edited = GraphEditor(builder.build()).retire("EX:1").build()

    assert edited.dropped_edges == (("an end is obsolete", 3, "EX:9"),)
    assert [edited.entity_ids[head] for head, _, _ in edited.references] == ["EX:2"]


def test_an_edge_that_is_added_to_a_merged_graph_is_of_the_editor(graph):
    other = GraphBuilder()
    other.add_name("O:1", "other")
    merged = merge_graphs({"a": graph, "b": other.build()})

    edited = GraphEditor(merged).add_edge("O:1", "EX:has_symptom", "EX:2").build()

    added = edited.heads.tolist().index(edited.index("O:1"))
    assert edited.origins.of_edge(added) == ("(edited)",)
