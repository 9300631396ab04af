import json

from kgbert import read_graph

GENUS, PART = "http://x.org/A_2", "http://x.org/A_3"


def test_comments_and_logical_definitions_are_read(tmp_path):
    nodes = [
        {
            "id": "http://x.org/A_1",
            "lbl": "lung fever",
            "meta": {"comments": ["Seen in winter."], "deprecated": False},
        },
        {"id": GENUS, "lbl": "fever"},
        {"id": PART, "lbl": "lung"},
    ]
    axiom = {
        "definedClassId": "http://x.org/A_1",
        "genusIds": [GENUS],
        "restrictions": [{"propertyId": "http://x.org/in", "fillerId": PART}, None],
    }
    meta = {
        "version": "2026-01",
        "basicPropertyValues": [
            {"pred": "http://purl.org/dc/terms/license", "val": "CC-BY"},
            {"pred": "http://purl.org/dc/terms/title", "val": "Fevers"},
        ],
    }
    content = {"graphs": [{"nodes": nodes, "logicalDefinitionAxioms": [axiom], "meta": meta}]}
    (tmp_path / "graph.json").write_text(json.dumps(content), encoding="utf-8")

    graph = read_graph(tmp_path / "graph.json", cache=None)

    entity = graph.entity("http://x.org/A_1")
    assert entity.definition == "Seen in winter."
    assert {(relation, tail) for relation, tail in entity.edges} == {
        ("rdfs:subClassOf", GENUS),
        ("http://x.org/in", PART),
    }
    assert (graph.version, graph.licence) == ("2026-01", "CC-BY")


def test_cross_references_are_references_of_the_entity(tmp_path):
    node = {"id": "http://x.org/A_1", "lbl": "fever", "meta": {"xrefs": [{"val": "MESH:D005334"}]}}
    (tmp_path / "graph.json").write_text(json.dumps({"graphs": [{"nodes": [node]}]}))

    graph = read_graph(tmp_path / "graph.json", cache=None)

    assert [target for _, _, target in graph.references] == ["MESH:D005334"]
