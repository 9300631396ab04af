"""Read networkx graphs, whose nodes and edges may have any attributes."""

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.core.vocabulary import RELATION_ALIASES, XREF
from kgbert.graph.rdf.relation_hierarchy import add_hierarchy_edges
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.obo_tags import identifier, parse_quoted, shared_relation, unquote
from kgbert.graph.storage.builder import GraphBuilder

_NAME_KEYS = ("name", "label", "prefLabel", "title")
_SYNONYM_KEYS = ("synonyms", "synonym", "aliases", "alias", "altLabel", "names")
_DEFINITION_KEYS = ("definition", "def", "description")
_RELATION_KEYS = ("relation", "predicate", "type", "label", "interaction")


def read_networkx(graph: "nx.Graph[Any]", statements: Statements) -> None:
    """Add the nodes and edges of a networkx graph of any type.

    A node may have the attributes name (or label), synonyms (strings, or
    ``(text, scope, language)``) and definition; an edge its relation, which may also be the key
    of an edge of a multigraph. The graphs of obonet are read like this.
    """
    builder, metadata = statements.builder, graph.graph
    builder.version = str(_first(metadata, ("version", "data-version")) or "")
    builder.licence = str(metadata.get("licence", ""))
    replaced = _mapping(metadata.get("replaced"))
    builder.replaced.update({old: str(new) for old, new in replaced.items()})
    for node, attributes in graph.nodes(data=True):
        entity = compact(str(node))
        _read_node(entity, attributes, builder, statements.options)
        if metadata.get("merged"):
            builder.add_sources(entity, _strings(attributes.get("sources")))
    _read_edges(graph, builder)
    add_hierarchy_edges(builder.edges, builder)
    statements.ids_are_names = True


def _read_edges(graph: "nx.Graph[Any]", builder: GraphBuilder) -> None:
    shared = _shared_relations(graph, builder)
    for head, tail, key, attributes in _edges(graph):
        # networkx numbers the edges of a multigraph that have no key of their own.
        word = str(
            _first(attributes, _RELATION_KEYS) or (key if isinstance(key, str) else "related to")
        )
        relation = compact(expand(RELATION_ALIASES.get(word.lower(), word)))
        edge = (compact(str(head)), shared.get(relation, relation), compact(str(tail)))
        builder.add_edge(*edge)
        if name := attributes.get("relation_name"):
            builder.add_relation(edge[1], str(name))
        if graph.graph.get("merged"):
            builder.add_sources(edge, _strings(attributes.get("sources")))
        if not graph.is_directed():
            builder.add_edge(edge[2], edge[1], edge[0])
    if not graph.is_directed() and graph.number_of_edges():
        builder.note("the networkx graph is undirected: every edge was read in both directions")


def _shared_relations(graph: "nx.Graph[Any]", builder: GraphBuilder) -> dict[str, str]:
    """Return the shared ids of the relations that an OBO file defines, as obonet keeps them."""
    shared, typedefs = {}, list(map(_mapping, _as_list(graph.graph.get("typedefs"))))
    for typedef in typedefs:
        own = str(typedef.get("id", ""))
        shared[own] = shared_relation(own, map(str, _as_list(typedef.get("xref"))))
        if name := typedef.get("name"):
            builder.add_relation(shared[own], unquote(str(name)))
    for typedef in typedefs:
        own = shared[str(typedef.get("id", ""))]
        for general in map(str, _as_list(typedef.get("is_a"))):
            builder.add_subproperty(own, shared.get(general, compact(general)))
    return shared


def _edges(graph: "nx.Graph[Any]") -> Iterable[tuple[Any, Any, Any, Mapping[str, Any]]]:
    if isinstance(graph, nx.MultiGraph):
        yield from graph.edges(keys=True, data=True)
    else:
        yield from (
            (head, tail, "related to", attributes) for head, tail, attributes in graph.edges.data()
        )


def _read_node(
    entity: str, attributes: Mapping[str, Any], builder: GraphBuilder, options: ReadOptions
) -> None:
    definition = str(_first(attributes, _DEFINITION_KEYS) or "")
    quoted = parse_quoted(definition)
    builder.add_entity(entity, quoted[0] if quoted else definition)
    if not definition:
        for comment in _as_list(attributes.get("comment")):
            builder.add_entity(entity, unquote(str(comment)))
    for relation, target in _tuples(attributes.get("references"), 2):
        builder.add_reference(entity, relation, target)
    for target in _as_list(attributes.get("xref")):
        # obonet keeps the escapes, and the description behind the id.
        builder.add_reference(entity, compact(XREF), identifier(str(target)))
    _read_names(entity, attributes, builder, options)


def _read_names(
    entity: str, attributes: Mapping[str, Any], builder: GraphBuilder, options: ReadOptions
) -> None:
    own = [name for name in _tuples(attributes.get("names"), 3) if name[1] in SCOPES]
    for text, scope, language in own:
        builder.add_name(entity, text, scope, language)
    if own:
        return  # a graph that kgbert exported: all its names are there
    keys = (options.label, *_NAME_KEYS) if options.label else _NAME_KEYS
    if options.label and attributes.get(options.label):
        builder.custom_label_count += 1
    if name := _first(attributes, keys):
        builder.add_name(entity, str(name))
    for synonym in _as_list(_first(attributes, _SYNONYM_KEYS)):
        if [synonym] == (tuples := _tuples([synonym], 3)) and tuples[0][1] in SCOPES:
            builder.add_name(entity, *synonym)
        else:
            text, scope = parse_quoted(str(synonym)) or (str(synonym), "exact")
            known_scope = scope.lower() if scope.lower() in SCOPES else "exact"
            builder.add_name(entity, text, known_scope)


def _first(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Return the first attribute that exists and is not empty."""
    return next((attributes[key] for key in keys if attributes.get(key)), None)


def _as_list(value: Any) -> list[Any]:
    """Return the values of an attribute that may have several."""
    if isinstance(value, str):
        return value.split("|")
    return (
        list(value) if isinstance(value, list | tuple | set) else [] if value is None else [value]
    )


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(map(str, _as_list(value)))


def _mapping(value: Any) -> dict[str, Any]:
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _tuples(value: Any, length: int) -> list[Any]:
    """Return the values of an attribute that are sequences of ``length`` strings."""
    return [
        item
        for item in (value if isinstance(value, list | tuple) else ())
        if isinstance(item, list | tuple)
        and len(item) == length
        and all(isinstance(part, str) for part in item)
    ]
