"""Read networkx graphs, whose nodes and edges may have any attributes."""

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.core.vocabulary import DEPRECATED, RELATION_ALIASES, REPLACED_BY, XREF
from kgbert.graph.rdf.relation_hierarchy import add_hierarchy_edges
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.obo_tags import identifier, parse_quoted, shared_relation, unquote
from kgbert.graph.storage.builder import GraphBuilder

_NAME_KEYS = ("name", "label", "prefLabel", "title")
_SYNONYM_KEYS = ("synonyms", "synonym", "aliases", "alias", "altLabel", "names")
_DEFINITION_KEYS = ("definition", "def", "description")
_OBSOLETE_KEYS = ("is_obsolete", "obsolete", "deprecated")
_REPLACEMENT_KEYS = ("replaced_by", "replacedBy", "isReplacedBy")
_RELATION_KEYS = ("relation", "predicate", "type", "label", "interaction")

#: Attributes of nodes that are read.
_KNOWN_KEYS = frozenset(
    (
        *(*_NAME_KEYS, *_SYNONYM_KEYS, *_DEFINITION_KEYS, *_OBSOLETE_KEYS, *_REPLACEMENT_KEYS),
        *("comment", "references", "xref", "alt_id", "sources", "is_a", "relationship"),
        *("intersection_of", "union_of", "equivalent_to", "instance_of"),
    )
)


def read_networkx(graph: "nx.Graph[Any]", statements: Statements) -> None:
    """Add the nodes and edges of a networkx graph of any type.

    A node may have the attributes name (or label), synonyms (strings, or
    ``(text, scope, language)``), definition, is_obsolete and replaced_by; an edge its relation,
    which may also be the key of an edge of a multigraph. The graphs of obonet are read like this.
    Other attributes with text are counted as unused.
    """
    builder, metadata = statements.builder, _mapping(graph.graph)
    builder.version = str(_first(metadata, ("version", "data-version")) or "")
    builder.licence = str(metadata.get("licence", ""))
    replaced = _mapping(metadata.get("replaced"))
    builder.replaced.update({old: str(new) for old, new in replaced.items()})
    for node, attributes in graph.nodes(data=True):
        entity = compact(str(node))
        _read_node(entity, attributes, builder)
        _read_status(entity, attributes, statements)
        _read_custom(entity, attributes, statements)
        if metadata.get("merged"):
            builder.add_sources(entity, _strings(attributes.get("sources")))
    _read_edges(graph, builder)
    add_hierarchy_edges(builder.edges, builder)
    statements.ids_are_names = True


def _read_edges(graph: "nx.Graph[Any]", builder: GraphBuilder) -> None:
    metadata = _mapping(graph.graph)
    shared, merged = _shared_relations(metadata, builder), metadata.get("merged")
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
        if merged:
            builder.add_sources(edge, _strings(attributes.get("sources")))
        if not graph.is_directed():
            builder.add_edge(edge[2], edge[1], edge[0])
    if not graph.is_directed() and graph.number_of_edges():
        builder.note("the networkx graph is undirected: every edge was read in both directions")


def _shared_relations(metadata: Mapping[str, Any], builder: GraphBuilder) -> dict[str, str]:
    """Return the shared ids of the relations that an OBO file defines, as obonet keeps them."""
    shared, typedefs = {}, list(map(_mapping, _as_list(metadata.get("typedefs"))))
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


def _read_node(entity: str, attributes: Mapping[str, Any], builder: GraphBuilder) -> None:
    definition = str(_first(attributes, _DEFINITION_KEYS) or "")
    quoted = parse_quoted(definition)
    builder.add_entity(entity, quoted[0] if quoted else definition)
    for comment in _as_list(attributes.get("comment")):
        if definition:
            builder.unused_properties["comment"] += 1
        else:
            builder.add_entity(entity, unquote(str(comment)))
    for relation, target in _tuples(attributes.get("references"), 2):
        builder.add_reference(entity, relation, target)
    for target in _as_list(attributes.get("xref")):
        # obonet keeps the escapes, and the description behind the id.
        builder.add_reference(entity, compact(XREF), identifier(str(target)))
    _read_names(entity, attributes, builder)


def _read_status(entity: str, attributes: Mapping[str, Any], statements: Statements) -> None:
    """Read whether a node is obsolete, what replaces it, and its former ids."""
    if str(_first(attributes, _OBSOLETE_KEYS)).lower() in ("true", "1"):
        statements.add_literal(entity, DEPRECATED[0], "true")
    for replacement in _as_list(_first(attributes, _REPLACEMENT_KEYS)):
        statements.add_literal(entity, REPLACED_BY[0], str(replacement))
    for former in _as_list(attributes.get("alt_id")):
        statements.builder.replaced.setdefault(compact(str(former)), entity)


def _read_custom(entity: str, attributes: Mapping[str, Any], statements: Statements) -> None:
    """Read the attributes that the options name; count the texts that are not used."""
    for key, value in attributes.items():
        option = statements.option_of(str(key))
        if option:
            statements.described.add(entity)
            for text in [value] if option == "definition" else _as_list(value):
                statements.add_literal(entity, expand(str(key)), str(text))
        elif key not in _KNOWN_KEYS and _is_text(value):
            statements.builder.unused_properties[str(key)] += 1


def _is_text(value: Any) -> bool:
    texts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(text, str) and text.strip() for text in texts)


def _read_names(entity: str, attributes: Mapping[str, Any], builder: GraphBuilder) -> None:
    own = [name for name in _tuples(attributes.get("names"), 3) if name[1] in SCOPES]
    for text, scope, language in own:
        builder.add_name(entity, text, scope, language)
    if own:
        return  # a graph that kgbert exported: all its names are there
    if name := _first(attributes, _NAME_KEYS):
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
