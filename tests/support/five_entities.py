"""One graph of five entities, written in every format by hand."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import rdflib

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

OBO = """\
format-version: 1.4
ontology: ex

[Term]
id: EX:0000001
name: disease
def: "Anything that ails." [PMID:1]

[Term]
id: EX:0000002
name: fever
synonym: "pyrexia" EXACT []
synonym: "high temperature" RELATED layperson [PMID:2]
is_a: EX:0000001 ! disease

[Term]
id: EX:0000003
name: heart
is_a: EX:0000005

[Term]
id: EX:0000004
name: heart attack
synonym: "infarct" BROAD []
is_a: EX:0000001 {source="PMID:3"} ! disease
relationship: part_of EX:0000003 ! heart

[Term]
id: EX:0000005
name: organ

[Term]
id: EX:0000009
name: obsolete ague
is_obsolete: true
replaced_by: EX:0000002

[Typedef]
id: part_of
name: part of
xref: BFO:0000050
"""

TURTLE = """\
@prefix obo: <http://purl.obolibrary.org/obo/> .
@prefix oio: <http://www.geneontology.org/formats/oboInOwl#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .

obo:EX_0000001 a owl:Class ; rdfs:label "disease" ; obo:IAO_0000115 "Anything that ails." .
obo:EX_0000002 a owl:Class ; rdfs:label "fever" ; rdfs:subClassOf obo:EX_0000001 ;
  oio:hasExactSynonym "pyrexia" ; oio:hasRelatedSynonym "high temperature" .
obo:EX_0000003 a owl:Class ; rdfs:label "heart" ; rdfs:subClassOf obo:EX_0000005 .
obo:EX_0000004 a owl:Class ; rdfs:label "heart attack" ; oio:hasBroadSynonym "infarct" ;
  rdfs:subClassOf obo:EX_0000001 , [ a owl:Restriction ;
    owl:onProperty obo:BFO_0000050 ; owl:someValuesFrom obo:EX_0000003 ] .
obo:EX_0000005 a owl:Class ; rdfs:label "organ" .
obo:EX_0000009 a owl:Class ; rdfs:label "obsolete ague" ; owl:deprecated true ;
  obo:IAO_0100001 obo:EX_0000002 .
obo:BFO_0000050 a owl:ObjectProperty ; rdfs:label "part of" .
"""

TABLE = """\
subject,predicate,object
EX:0000001,label,disease
EX:0000001,definition,Anything that ails.
EX:0000002,label,fever
EX:0000002,synonym,pyrexia
EX:0000002,oboInOwl:hasRelatedSynonym,high temperature
EX:0000002,is_a,EX:0000001
EX:0000003,label,heart
EX:0000003,is_a,EX:0000005
EX:0000004,rdfs:label,heart attack
EX:0000004,oboInOwl:hasBroadSynonym,infarct
EX:0000004,rdfs:subClassOf,EX:0000001
EX:0000004,BFO:0000050,EX:0000003
EX:0000005,label,organ
"""


def expected() -> KnowledgeGraph:
    """Return the graph as it should be read."""
    builder = GraphBuilder()
    builder.add_entity("EX:0000001", "Anything that ails.")
    for entity, name, scope in (
        ("EX:0000001", "disease", "preferred"),
        ("EX:0000002", "fever", "preferred"),
        ("EX:0000002", "pyrexia", "exact"),
        ("EX:0000002", "high temperature", "related"),
        ("EX:0000003", "heart", "preferred"),
        ("EX:0000004", "heart attack", "preferred"),
        ("EX:0000004", "infarct", "broad"),
        ("EX:0000005", "organ", "preferred"),
    ):
        builder.add_name(entity, name, scope)
    builder.add_edge("EX:0000002", "rdfs:subClassOf", "EX:0000001")
    builder.add_edge("EX:0000003", "rdfs:subClassOf", "EX:0000005")
    builder.add_edge("EX:0000004", "rdfs:subClassOf", "EX:0000001")
    builder.add_edge("EX:0000004", "BFO:0000050", "EX:0000003")
    builder.add_relation("rdfs:subClassOf", "is a")
    builder.add_relation("BFO:0000050", "part of")
    return builder.build()


Writer = Callable[[Path], Path]


def _networkx() -> "nx.MultiDiGraph[str]":
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_node("EX:0000001", name="disease", definition="Anything that ails.")
    graph.add_node(
        "EX:0000002", name="fever", synonyms=["pyrexia", ("high temperature", "related", "")]
    )
    graph.add_node("EX:0000003", label="heart")
    graph.add_node("EX:0000004", name="heart attack", synonym=['"infarct" BROAD []'])
    graph.add_node("EX:0000005", name="organ")
    graph.add_edge("EX:0000002", "EX:0000001", key="is_a")
    graph.add_edge("EX:0000003", "EX:0000005", relation="rdfs:subClassOf")
    graph.add_edge("EX:0000004", "EX:0000001", key="is_a")
    graph.add_edge("EX:0000004", "EX:0000003", relation="BFO:0000050")
    return graph


def _rdf(syntax: str, suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        dataset = rdflib.Dataset(default_union=True)
        dataset.parse(data=TURTLE, format="turtle")
        path = folder / f"five{suffix}"
        with warnings.catch_warnings():
            # rdflib's own serialisers still call what rdflib deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            path.write_bytes(dataset.serialize(format=syntax, encoding="utf-8"))
        return path

    return write


def _text(content: str, suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / f"five{suffix}"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def _obographs(folder: Path) -> Path:
    obo = "http://purl.obolibrary.org/obo/"

    def node(number: int, label: str, **meta: object) -> dict[str, object]:
        return {"id": f"{obo}EX_000000{number}", "lbl": label, "type": "CLASS", "meta": meta}

    def edge(head: int, relation: str, tail: int) -> dict[str, str]:
        return {
            "sub": f"{obo}EX_000000{head}",
            "pred": relation,
            "obj": f"{obo}EX_000000{tail}",
        }

    replaced = {"pred": f"{obo}IAO_0100001", "val": f"{obo}EX_0000002"}
    graph = {
        "id": f"{obo}ex.owl",
        "nodes": [
            node(1, "disease", definition={"val": "Anything that ails.", "xrefs": ["PMID:1"]}),
            node(
                2,
                "fever",
                synonyms=[
                    {"pred": "hasExactSynonym", "val": "pyrexia"},
                    {"pred": "hasRelatedSynonym", "val": "high temperature"},
                ],
            ),
            node(3, "heart"),
            node(4, "heart attack", synonyms=[{"pred": "hasBroadSynonym", "val": "infarct"}]),
            node(5, "organ"),
            node(9, "obsolete ague", deprecated=True, basicPropertyValues=[replaced]),
            {"id": f"{obo}BFO_0000050", "lbl": "part of", "type": "PROPERTY"},
        ],
        "edges": [
            edge(2, "is_a", 1),
            edge(3, "is_a", 5),
            edge(4, "is_a", 1),
            edge(4, f"{obo}BFO_0000050", 3),
        ],
    }
    path = folder / "five.json"
    path.write_text(json.dumps({"graphs": [graph]}, indent=1), encoding="utf-8")
    return path


def _plain_networkx() -> "nx.MultiDiGraph[str]":
    """Return the graph with attributes that the files of graph editors can hold."""
    plain: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    plain.add_node("EX:0000001", name="disease", definition="Anything that ails.")
    plain.add_node("EX:0000002", name="fever", synonyms='pyrexia|"high temperature" RELATED []')
    plain.add_node("EX:0000003", name="heart")
    plain.add_node("EX:0000004", name="heart attack", synonyms='"infarct" BROAD []')
    plain.add_node("EX:0000005", name="organ")
    plain.add_edge("EX:0000002", "EX:0000001", relation="is_a")
    plain.add_edge("EX:0000003", "EX:0000005", relation="is_a")
    plain.add_edge("EX:0000004", "EX:0000001", relation="is_a")
    plain.add_edge("EX:0000004", "EX:0000003", relation="BFO:0000050")
    return plain


def _drawn(write: Callable[["nx.MultiDiGraph[str]", Path], None], suffix: str) -> Writer:
    def written(folder: Path) -> Path:
        path = folder / f"five{suffix}"
        write(_plain_networkx(), path)
        return path

    return written


def _write_node_link(graph: "nx.MultiDiGraph[str]", path: Path) -> None:
    path.write_text(json.dumps(nx.node_link_data(graph, edges="links")), encoding="utf-8")


PAJEK = r"""
*vertices 5
1 "EX:0000001" 0.0 0.0 ellipse name disease definition "Anything that ails."
2 "EX:0000002" 0.0 0.0 ellipse name fever synonyms "pyrexia|\"high temperature\" RELATED"
3 "EX:0000003" 0.0 0.0 ellipse name heart
4 "EX:0000004" 0.0 0.0 ellipse name "heart attack" synonyms "\"infarct\" BROAD"
5 "EX:0000005" 0.0 0.0 ellipse name organ
*arcs
2 1 1.0 relation is_a
3 5 1.0 relation is_a
4 1 1.0 relation is_a
4 3 1.0 relation BFO:0000050
"""

#: Format -> a function that writes the graph into a folder and returns its path.
WRITERS: dict[str, Writer] = {
    "obo": _text(OBO, ".obo"),
    "turtle": _text(TURTLE, ".ttl"),
    "n3": _text(TURTLE, ".n3"),
    "xml": _rdf("xml", ".owl"),
    "nt": _rdf("nt", ".nt"),
    "json-ld": _rdf("json-ld", ".jsonld"),
    "nquads": _rdf("nquads", ".nq"),
    "trig": _rdf("trig", ".trig"),
    "trix": _rdf("trix", ".trix"),
    "hext": _rdf("hext", ".hext"),
    "obographs": _obographs,
    "table": _text(TABLE, ".csv"),
    "graphml": _drawn(nx.write_graphml, ".graphml"),
    "gexf": _drawn(nx.write_gexf, ".gexf"),
    "gml": _drawn(nx.write_gml, ".gml"),
    "pajek": _text(PAJEK, ".net"),
    "node-link": _drawn(_write_node_link, ".json"),
}

#: Kind of object -> the graph as such an object.
OBJECTS: dict[str, Callable[[], object]] = {
    "networkx": _networkx,
    "rdflib": lambda: rdflib.Graph().parse(data=TURTLE, format="turtle"),
}
