import pytest

from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.grounding import ground
from tests.support.errors import raises


@pytest.fixture
def graph():
    builder = GraphBuilder()
    for entity, name in (
        ("HP:0001250", "Seizure"),
        ("HP:0002315", "Headache"),
        ("HP:1", "Cold"),
        ("HP:2", "Cold"),
    ):
        builder.add_name(entity, name)
    return builder.build(source="signs")


@pytest.mark.parametrize(
    ("label", "entity", "method"),
    [
        ("HP:0001250", "HP:0001250", "id"),
        ("HP_0001250", "HP:0001250", "id"),
        ("0001250", "HP:0001250", "id"),
        ("Seizures", "HP:0001250", "name"),
        ("head_ache", None, "missing"),
        ("headache", "HP:0002315", "name"),
        ("cold", None, "ambiguous"),
        ("no such thing", None, "missing"),
    ],
)
def test_a_label_is_an_id_or_a_name(label, entity, method, graph):
    (found,) = ground([label], graph).labels

    assert (found.entity, found.method) == (entity, method)


def test_an_ambiguous_label_lists_its_candidates(graph):
    grounding = ground(["cold", "seizure"], graph)

    assert {x.entity for x in grounding.labels[0].candidates} == {"HP:1", "HP:2"}
    summary = grounding.summary(graph)
    assert "1 of 2 labels" in summary
    assert "HP:1" in summary
    assert "HP:2" in summary
    assert grounding.share == 0.5


def test_a_mapping_takes_precedence(graph, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("label,entity\ncold,HP:2\n")

    for mapping in ({"cold": "HP:2"}, path):
        assert ground(["cold"], graph, mapping=mapping).entities == {"cold": "HP:2"}


def test_wrong_mappings_are_refused(graph, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("name,entity\ncold,HP:2\n")

    with raises("label-mapping-columns"):
        ground(["cold"], graph, mapping=path)
    with raises("label-mapping-unknown-entity"):
        ground(["cold"], graph, mapping={"cold": "HP:3"})
    with raises("label-mapping-missing-file"):
        ground(["cold"], graph, mapping=tmp_path / "none.csv")


def test_permuted_labels_have_other_entities(graph):
    grounding = ground(["seizure", "headache", "HP:1"], graph)

    for seed in range(5):
        permuted = grounding.permuted(seed)
        assert [x.label for x in permuted.labels] == [x.label for x in grounding.labels]
        assert sorted(permuted.entities.values()) == sorted(grounding.entities.values())
        assert all(permuted.entities[x] != grounding.entities[x] for x in grounding.entities)


def test_the_summary_lists_some_labels_without_an_entity_and_counts_the_others(graph):
    labels = ["Headache", *(f"no such thing {number}" for number in range(5))]

    lines = ground(labels, graph).summary(graph, most=2).splitlines()

    assert lines[0] == "1 of 6 labels are entities of the graph (1 by name)"
    assert lines[1:] == [
        "  no such thing 0: missing",
        "  no such thing 1: missing",
        "  ... and 3 more",
    ]
