"""Read graphs that are already in memory: networkx and rdflib."""

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx
import rdflib

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import SCOPES
from kgbert.graph.naming import name_by_plain_id, name_the_unnamed
from kgbert.graph.obo import parse_quoted
from kgbert.graph.options import ReadOptions
from kgbert.graph.rdf import read_triples
from kgbert.graph.vocabulary import RELATION_WORDS, compact, expand, relation_name

_NAME_KEYS = ("name", "label", "prefLabel", "title")
_SYNONYM_KEYS = ("synonyms", "synonym", "aliases", "alias", "altLabel")
_DEFINITION_KEYS = ("definition", "def", "description")
_RELATION_KEYS = ("relation", "predicate", "type", "label", "interaction")


def read_networkx(graph: "nx.Graph[Any]", options: ReadOptions) -> GraphBuilder:
    """Return what a networkx graph of any kind says.

    Nodes may carry name (or label), synonyms (strings, or ``(text, scope, language)``) and
    definition; edges carry their relation, or it is the key of a multigraph's edge. obonet's
    graphs are such graphs.
    """
    builder = GraphBuilder()
    for node, attributes in graph.nodes(data=True):
        _read_node(compact(str(node)), attributes, builder, options)
    for head, tail, key, said in _edges(graph):
        word = str(_first(said, _RELATION_KEYS) or key)
        relation = compact(expand(RELATION_WORDS.get(word.lower(), word)))
        builder.add_edge(compact(str(head)), relation, compact(str(tail)))
        known = builder.relations[relation] or str(said.get("relation_name", ""))
        builder.add_relation(relation, known or relation_name(relation))
        if not graph.is_directed():
            builder.add_edge(compact(str(tail)), relation, compact(str(head)))
    if not graph.is_directed() and graph.number_of_edges():
        builder.note("the networkx graph is undirected: every edge was read in both directions")
    if not builder.names:
        name_by_plain_id(builder)
    name_the_unnamed(builder, _title(graph), options)
    return builder


def read_rdflib(graph: rdflib.Graph, options: ReadOptions) -> GraphBuilder:
    """Return what an rdflib graph says."""
    return read_triples(graph, "rdflib graph", options)


def _title(graph: "nx.Graph[Any]") -> str:
    return str(graph.graph.get("name") or "networkx graph")


def _edges(graph: "nx.Graph[Any]") -> Iterable[tuple[Any, Any, Any, Mapping[str, Any]]]:
    if isinstance(graph, nx.MultiGraph):
        yield from graph.edges(keys=True, data=True)
    else:
        yield from ((head, tail, "related to", found) for head, tail, found in graph.edges.data())


def _read_node(
    entity: str, attributes: Mapping[str, Any], builder: GraphBuilder, options: ReadOptions
) -> None:
    definition = str(_first(attributes, _DEFINITION_KEYS) or "")
    quoted = parse_quoted(definition)
    builder.add_entity(entity, quoted[0] if quoted else definition)
    keys = (options.label, *_NAME_KEYS) if options.label else _NAME_KEYS
    if name := _first(attributes, keys):
        builder.add_name(entity, str(name))
    for synonym in _listed(_first(attributes, _SYNONYM_KEYS)):
        if isinstance(synonym, str):
            text, scope = parse_quoted(synonym) or (synonym, "exact")
            known = scope.lower() if scope.lower() in SCOPES else "exact"
            builder.add_name(entity, text, known)
        else:
            builder.add_name(entity, *synonym)


def _first(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Return the first attribute that is there and not empty."""
    return next((attributes[key] for key in keys if attributes.get(key)), None)


def _listed(synonyms: Any) -> list[Any]:
    if synonyms is None:
        return []
    return synonyms.split("|") if isinstance(synonyms, str) else list(synonyms)
