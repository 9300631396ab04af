"""Read OBO Graphs JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.graph.graph import GraphError
from kgbert.graph.identifiers import PREFIXES, expand
from kgbert.graph.markup import safe_json
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import (
    DEFINITION,
    PROPERTY_TYPES,
    RDF_TYPE,
    SUBCLASS,
    SUBPROPERTY,
    XREF,
)

_LABEL, _COMMENT, _VERSION = (
    expand(curie) for curie in ("rdfs:label", "rdfs:comment", "owl:versionInfo")
)
_WORDS = {"is_a": SUBCLASS, "type": RDF_TYPE, "subPropertyOf": SUBPROPERTY}


def read_obographs(source: Source, statements: Statements) -> None:
    """Add what the graphs of a file say: nodes, edges and logical definitions."""
    content = safe_json(source)
    try:
        for graph in content["graphs"]:
            for node in graph.get("nodes", ()):
                _add_node(node, statements)
            for subject, predicate, target in _edges(graph):
                statements.add_resource(subject, _WORDS.get(predicate, predicate), target)
            _add_header(graph, statements)
    except (KeyError, TypeError, AttributeError) as error:
        raise GraphError(
            f"{source.name}: JSON, but not an OBO graph ({type(error).__name__}: {error}). It "
            f'should look like {{"graphs": [{{"nodes": [...], "edges": [...]}}]}}.'
        ) from None


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
    for said in meta.get("basicPropertyValues", ()):
        statements.add_literal(iri, expand(str(said["pred"])), str(said["val"]))
    if meta.get("deprecated"):
        statements.deprecated.add(iri)


def _edges(graph: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for edge in graph.get("edges", ()):
        yield str(edge["sub"]), str(edge["pred"]), str(edge["obj"])
    for axiom in graph.get("logicalDefinitionAxioms", ()):
        defined = str(axiom["definedClassId"])
        for genus in axiom.get("genusIds", ()):
            yield defined, "is_a", str(genus)
        # Some converters write null where they met an expression that they do not know.
        for restriction in filter(None, axiom.get("restrictions", ())):
            yield defined, str(restriction["propertyId"]), str(restriction["fillerId"])


def _add_header(graph: Mapping[str, Any], statements: Statements) -> None:
    meta = graph.get("meta", {})
    builder = statements.builder
    builder.version = builder.version or str(meta.get("version", ""))
    for said in meta.get("basicPropertyValues", ()):
        if said.get("pred") in (expand("dcterms:license"), expand("dc:license")):
            builder.licence = str(said["val"])
