"""The options that name properties act in every format."""

import json
import re

import networkx as nx
import pandas
import pytest

from kgbert import ReadOptions, read_graph

OPTIONS = ReadOptions(label="p1", synonym="p2", definition="p3", deprecation="p4", replacement="p5")

OBO = """\
format-version: 1.4

[Term]
id: X:1
name: drill
def: "A first definition." []
property_value: p1 "borer" xsd:string
property_value: p2 "brace" xsd:string
property_value: p3 "It makes holes." xsd:string

[Term]
id: X:2
name: auger
property_value: p4 "true" xsd:boolean
property_value: p5 X:1
"""
DRILL = {"id": "X:1", "name": "drill", "p1": "borer", "p2": "brace", "p3": "It makes holes."}
AUGER = {"id": "X:2", "name": "auger", "p4": True, "p5": "X:1"}


def _properties(record):
    return [
        {"code": key, "valueString": str(value)} for key, value in record.items() if key[0] == "p"
    ]


def _concepts(records):
    return [
        {"code": each["id"], "display": each["name"], "property": _properties(each)}
        for each in records
    ]


def _rows(separator):
    keys = {**DRILL, **AUGER}
    rows = [keys, *([str(each.get(key, "")) for key in keys] for each in (DRILL, AUGER))]
    return "".join(separator.join(row) + "\n" for row in rows)


def _networkx():
    graph = nx.DiGraph()
    for each in (DRILL, AUGER):
        graph.add_node(each["id"], **{key: value for key, value in each.items() if key != "id"})
    return graph


FILES = {
    "values.obo": OBO,
    "tags.obo": re.sub(r"property_value: (p\d)", r"\1:", OBO),
    "graph.csv": _rows(","),
    "graph.tsv": _rows("\t"),
    "graph.jsonl": f"{json.dumps(DRILL)}\n{json.dumps(AUGER)}\n",
    "tree.json": json.dumps({"children": [DRILL, {**AUGER, "children": []}]}),
    "node-link.json": json.dumps(nx.node_link_data(_networkx(), edges="links")),
    "fhir.json": json.dumps({"resourceType": "CodeSystem", "concept": _concepts([DRILL, AUGER])}),
    "stix.json": json.dumps(
        {
            "type": "bundle",
            "objects": [{"type": "tool", **each} for each in (DRILL, AUGER)],
        }
    ),
}


def assert_options_acted(graph):
    drill = graph.entity("X:1")
    assert drill.name == "borer"
    assert {"borer", "brace"} <= {name.text for name in drill.names}
    assert drill.definition == "It makes holes."
    assert len(graph) == 1
    assert graph.entity("X:2").id == "X:1"
    notes = " | ".join(graph.notes)
    for option, what in (("p1", "name"), ("p2", "synonym"), ("p3", "definition")):
        assert f"1 {what} under {option}, which was requested" in notes


@pytest.mark.parametrize("name", FILES)
def test_a_property_that_an_option_names_is_read_in_every_format(name, tmp_path):
    path = tmp_path / name
    path.write_text(FILES[name])

    assert_options_acted(read_graph(path, options=OPTIONS, cache=None))


def test_objects_in_memory_are_read_in_the_same_way():
    assert_options_acted(read_graph(_networkx(), options=OPTIONS))
    frame = pandas.DataFrame([DRILL, AUGER]).fillna("")
    assert_options_acted(read_graph(frame, options=OPTIONS))


@pytest.mark.parametrize("spelling", ["X:9", "http://purl.obolibrary.org/obo/X_9"])
@pytest.mark.parametrize("suffix", ["obo", "ttl"])
def test_a_property_may_be_named_by_its_curie_or_its_iri(suffix, spelling, tmp_path):
    path = tmp_path / f"graph.{suffix}"
    path.write_text(
        'format-version: 1.4\n\n[Term]\nid: X:1\nname: a\nproperty_value: X:9 "b" xsd:string\n'
        if suffix == "obo"
        else "@prefix o: <http://purl.obolibrary.org/obo/> .\n"
        'o:X_1 <http://www.w3.org/2000/01/rdf-schema#label> "a" ; o:X_9 "b" .\n'
    )

    graph = read_graph(path, options=ReadOptions(synonym=spelling), cache=None)

    assert [name.text for name in graph.entity("X:1").names] == ["a", "b"]


def test_a_property_that_the_file_lacks_is_noted(tmp_path):
    path = tmp_path / "graph.csv"
    path.write_text("id,name\nX:1,drill\n")

    graph = read_graph(path, options=ReadOptions(definition="TEXT"), cache=None)

    assert "0 definitions under TEXT, which was requested" in graph.notes
