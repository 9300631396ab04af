"""Read graphs that are already in memory: networkx and rdflib."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import networkx as nx

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import SCOPES, GraphError
from kgbert.graph.identifiers import compact, expand
from kgbert.graph.kinds import climb
from kgbert.graph.obo_values import identifier, parse_quoted, shared_relation, unquote
from kgbert.graph.options import ReadOptions
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import RELATION_WORDS, XREF

if TYPE_CHECKING:
    from torch_geometric.data import Data

_NAME_KEYS = ("name", "label", "prefLabel", "title")
_SYNONYM_KEYS = ("synonyms", "synonym", "aliases", "alias", "altLabel")
_DEFINITION_KEYS = ("definition", "def", "description")
_RELATION_KEYS = ("relation", "predicate", "type", "label", "interaction")


def read_networkx(graph: "nx.Graph[Any]", statements: Statements) -> None:
    """Add what a networkx graph of any kind says.

    Nodes may carry name (or label), synonyms (strings, or ``(text, scope, language)``) and
    definition; edges carry their relation, or it is the key of a multigraph's edge. obonet's
    graphs are such graphs.
    """
    builder = statements.builder
    builder.version = str(_first(graph.graph, ("version", "data-version")) or "")
    builder.licence = str(graph.graph.get("licence", ""))
    builder.replaced.update(graph.graph.get("replaced", {}))
    for node, attributes in graph.nodes(data=True):
        entity = compact(str(node))
        _read_node(entity, attributes, builder, statements.options)
        if graph.graph.get("merged"):
            builder.add_sources(entity, attributes.get("sources", ()))
    shared = _shared_relations(graph, builder)
    for head, tail, key, said in _edges(graph):
        # A multigraph numbers the edges that nobody gave a key.
        word = str(_first(said, _RELATION_KEYS) or (key if isinstance(key, str) else "related to"))
        relation = compact(expand(RELATION_WORDS.get(word.lower(), word)))
        relation = shared.get(relation, relation)
        builder.add_edge(compact(str(head)), relation, compact(str(tail)))
        if name := said.get("relation_name"):
            builder.add_relation(relation, str(name))
        if graph.graph.get("merged"):
            edge = (compact(str(head)), relation, compact(str(tail)))
            builder.add_sources(edge, said.get("sources", ()))
        if not graph.is_directed():
            builder.add_edge(compact(str(tail)), relation, compact(str(head)))
    if not graph.is_directed() and graph.number_of_edges():
        builder.note("the networkx graph is undirected: every edge was read in both directions")
    climb(builder.edges, builder)
    statements.ids_are_names = True


def _shared_relations(graph: "nx.Graph[Any]", builder: GraphBuilder) -> dict[str, str]:
    """Return the shared ids of the relations that an OBO file defines, which obonet passes on."""
    shared, typedefs = {}, graph.graph.get("typedefs", ())
    for typedef in typedefs:
        own = str(typedef.get("id", ""))
        shared[own] = shared_relation(own, map(str, _listed(typedef.get("xref"))))
        if name := typedef.get("name"):
            builder.add_relation(shared[own], unquote(str(name)))
    for typedef in typedefs:
        own = shared[str(typedef.get("id", ""))]
        for general in map(str, _listed(typedef.get("is_a"))):
            builder.add_kind(own, shared.get(general, compact(general)))
    return shared


def read_pyg(data: "Data", statements: Statements) -> None:
    """Add what a PyTorch Geometric Data that :func:`kgbert.graph.views.to_pyg` made says.

    Raises:
        GraphError: It does not say what its nodes and relations are.
    """
    missing = [key for key in ("entity_ids", "relation_ids", "edge_type") if key not in data]
    if missing:
        raise GraphError(
            f"the PyG Data has no {' and no '.join(missing)}, so its nodes or relations are mere "
            f"numbers. Set them: data.entity_ids = ['HP:0000001', ...], data.relation_ids = "
            f"['rdfs:subClassOf', ...], data.edge_type = tensor of positions in relation_ids."
        )
    builder = statements.builder
    ids, relations = data.entity_ids, data.relation_ids
    for entity, text in zip(ids, data.get("definitions", [""] * len(ids)), strict=True):
        builder.add_entity(entity, text)
    for entity, names in zip(ids, data.get("names", [[]] * len(ids)), strict=True):
        for text, scope, language in names:
            builder.add_name(entity, text, scope, language)
    _read_edges(data, builder)
    for index, relation, target in data.get("references", ()):
        builder.add_reference(ids[index], relation, target)
    for relation, name in zip(relations, data.get("relation_names", relations), strict=True):
        builder.add_relation(relation, name)
    builder.replaced.update(data.get("replaced", {}))
    builder.version, builder.licence = data.get("version", ""), data.get("licence", "")


def _read_edges(data: "Data", builder: GraphBuilder) -> None:
    ids, relations = data.entity_ids, data.relation_ids
    heads, tails = data.edge_index.tolist()
    edges = [
        (ids[head], relations[relation], ids[tail])
        for head, relation, tail in zip(heads, data.edge_type.tolist(), tails, strict=True)
    ]
    for edge in edges:
        builder.add_edge(*edge)
    if "sources" in data:
        for part, sources in zip((*ids, *edges), (*data.sources, *data.edge_sources), strict=True):
            builder.add_sources(part, sources)


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
    if not definition:
        for comment in _listed(attributes.get("comment")):
            builder.add_entity(entity, unquote(str(comment)))
    if "names" in attributes:  # a view of ours, which has every name there
        for text, scope, language in attributes["names"]:
            builder.add_name(entity, text, scope, language)
        for relation, target in attributes.get("references", ()):
            builder.add_reference(entity, relation, target)
        return
    for target in _listed(attributes.get("xref")):
        # obonet passes on how it is written, and what describes it behind its id.
        builder.add_reference(entity, compact(XREF), identifier(str(target)))
    _read_names(entity, attributes, builder, options)


def _read_names(
    entity: str, attributes: Mapping[str, Any], builder: GraphBuilder, options: ReadOptions
) -> None:
    keys = (options.label, *_NAME_KEYS) if options.label else _NAME_KEYS
    if options.label and attributes.get(options.label):
        builder.labelled += 1
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
