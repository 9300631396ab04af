"""Read OBO Graphs JSON."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kgbert.graph.core.identifiers import PREFIXES, expand
from kgbert.graph.core.vocabulary import (
    DEFINITION,
    LICENCES,
    PROPERTY_TYPES,
    RDF_TYPE,
    SUBCLASS,
    SUBPROPERTY,
    XREF,
)
from kgbert.graph.files.json_locations import JsonPath, line_of
from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError

_LABEL, _COMMENT, _VERSION = (
    expand(curie) for curie in ("rdfs:label", "rdfs:comment", "owl:versionInfo")
)
_WORDS = {"is_a": SUBCLASS, "type": RDF_TYPE, "subPropertyOf": SUBPROPERTY}


def read_obographs(source: Source, statements: Statements) -> None:
    """Add the nodes, edges and logical definitions of the graphs of a file."""
    content = safe_json(source)
    path: JsonPath = ()
    try:
        for path, part in _parts(content):
            _ADD[str(path[-2])](part, statements)
    except (KeyError, TypeError, AttributeError) as error:
        line = line_of(source.content().decode(), path)
        raise GraphError(
            f"{source.name}, line {line}: JSON, but not an OBO graph ({type(error).__name__}: "
            f'{error}). It should look like {{"graphs": [{{"nodes": [...], "edges": [...]}}]}}.',
            code="malformed-obographs",
        ) from None


def _parts(content: Any) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the parts of each graph, and the graph itself, with the path to each."""
    for place, graph in enumerate(content["graphs"]):
        yield ("graphs", place), graph
        for kind in ("nodes", "edges", "logicalDefinitionAxioms"):
            for number, part in enumerate(graph.get(kind, ())):
                yield ("graphs", place, kind, number), part


def _add_node(node: Mapping[str, Any], statements: Statements) -> None:
    iri = str(node["id"])
    if node.get("type") == "PROPERTY":
        statements.add_resource(iri, RDF_TYPE, PROPERTY_TYPES[0])
    else:
        statements.described.add(iri)
    if node.get("lbl"):
        statements.add_literal(iri, _LABEL, str(node["lbl"]))
    _add_meta(iri, node.get("meta", {}), statements)


def _add_meta(iri: str, meta: Mapping[str, Any], statements: Statements) -> None:
    if "definition" in meta:
        statements.add_literal(iri, expand(DEFINITION), str(meta["definition"]["val"]))
    for comment in meta.get("comments", ()):
        statements.add_literal(iri, _COMMENT, str(comment))
    for synonym in meta.get("synonyms", ()):
        predicate = PREFIXES["oboInOwl"] + str(synonym["pred"])
        statements.add_literal(iri, predicate, str(synonym["val"]))
    for xref in meta.get("xrefs", ()):
        statements.add_literal(iri, XREF, str(xref["val"]))
    for value in meta.get("basicPropertyValues", ()):
        statements.add_literal(iri, expand(str(value["pred"])), str(value["val"]))
    if meta.get("deprecated"):
        statements.deprecated.add(iri)


def _add_edge(edge: Mapping[str, Any], statements: Statements) -> None:
    _relate(str(edge["sub"]), str(edge["pred"]), str(edge["obj"]), statements)


def _add_axiom(axiom: Mapping[str, Any], statements: Statements) -> None:
    defined = str(axiom["definedClassId"])
    for genus in axiom.get("genusIds", ()):
        _relate(defined, "is_a", str(genus), statements)
    # Some converters write null in the place of an expression that they do not support.
    for restriction in filter(None, axiom.get("restrictions", ())):
        _relate(defined, str(restriction["propertyId"]), str(restriction["fillerId"]), statements)


def _relate(subject: str, predicate: str, target: str, statements: Statements) -> None:
    statements.add_resource(subject, _WORDS.get(predicate, predicate), target)


def _add_header(graph: Mapping[str, Any], statements: Statements) -> None:
    meta = graph.get("meta", {})
    builder = statements.builder
    builder.version = builder.version or str(meta.get("version", ""))
    values: dict[str, str] = {}
    for value in meta.get("basicPropertyValues", ()):
        values.setdefault(expand(str(value["pred"])), str(value["val"]))
    licence = next((values[each] for each in LICENCES if each in values), "")
    builder.licence = builder.licence or licence


#: Key of a list of parts in a file -> a function that adds one part.
_ADD: dict[str, Callable[[Mapping[str, Any], Statements], None]] = {
    "graphs": _add_header,
    "nodes": _add_node,
    "edges": _add_edge,
    "logicalDefinitionAxioms": _add_axiom,
}
