"""Export a graph to networkx, rdflib and PyTorch Geometric; read_graph reads each back equal.

Each function imports its library, so that this module loads without them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.identifiers import expand, to_iri
from kgbert.graph.core.vocabulary import DEFINITION, ONTOLOGY, RDF_TYPE, SCOPE_PREDICATES

if TYPE_CHECKING:
    import networkx as nx
    import rdflib
    from torch_geometric.data import Data


def to_networkx(graph: KnowledgeGraph) -> "nx.MultiDiGraph[str]":
    """Return a networkx graph whose nodes are entity ids and whose edge keys are relation ids.

    Nodes carry ``name``, ``names`` (each text, scope, language) and ``definition``; edges carry
    ``relation`` and ``relation_name``. If several graphs were merged, both carry ``sources``.
    """
    import networkx as nx

    view: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        source=graph.source,
        version=graph.version,
        licence=graph.licence,
        replaced=dict(graph.replaced),
        merged=graph.origins is not None,
    )
    ids = list(graph.entity_ids)
    for index, (entity, definition) in enumerate(zip(ids, graph.definitions, strict=True)):
        names = [(name.text, name.scope, name.language) for name in graph.names_of(index)]
        view.add_node(entity, name=graph.name(index), names=names, definition=definition)
    for head, relation, tail in _edges(graph):
        name = graph.relation_names[relation]
        relation_id = graph.relation_ids[relation]
        view.add_edge(
            ids[head], ids[tail], key=relation_id, relation=relation_id, relation_name=name
        )
    _add_sources(graph, ids, view)
    return view


def _add_sources(graph: KnowledgeGraph, ids: list[str], view: "nx.MultiDiGraph[str]") -> None:
    """Add the sources of nodes and edges, and the references to other graphs."""
    for index, relation_id, target in graph.references:
        view.nodes[ids[index]].setdefault("references", []).append((relation_id, target))
    if graph.origins:
        for index, entity in enumerate(ids):
            view.nodes[entity]["sources"] = graph.origins.of_entity(index)
        for position, (head, relation, tail) in enumerate(_edges(graph)):
            edge = view.edges[ids[head], ids[tail], graph.relation_ids[relation]]
            edge["sources"] = graph.origins.of_edge(position)


def to_rdflib(graph: KnowledgeGraph) -> "rdflib.Graph":
    """Return the graph in RDF: names as labels and OBO synonyms, edges as triples.

    Ids that are not IRIs are converted to OBO PURLs, or to ``urn:kgbert:`` and the id.
    """
    from rdflib import Graph, Literal, URIRef

    view = Graph()
    for subject, predicate, text, language in _statements(graph):
        view.add((URIRef(subject), URIRef(expand(predicate)), Literal(text, lang=language)))
    ids = [URIRef(to_iri(entity)) for entity in graph.entity_ids]
    relations = [URIRef(to_iri(relation)) for relation in graph.relation_ids]
    rdf_type = URIRef(RDF_TYPE)
    view.add((URIRef(to_iri("ontology")), rdf_type, URIRef(ONTOLOGY)))
    for relation in relations:
        view.add((relation, rdf_type, URIRef(expand("rdf:Property"))))
    for entity in ids:
        view.add((entity, rdf_type, URIRef(expand("rdfs:Resource"))))
    for head, kind, tail in _edges(graph):
        view.add((ids[head], relations[kind], ids[tail]))
    return view


def _statements(graph: KnowledgeGraph) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield (IRI, predicate, text, language) of all statements with a literal object."""
    yield to_iri("ontology"), "owl:versionInfo", graph.version, None
    yield to_iri("ontology"), "dcterms:license", graph.licence, None
    for relation, text in zip(graph.relation_ids, graph.relation_names, strict=True):
        yield to_iri(relation), "rdfs:label", text, None
    for obsolete, replacement in graph.replaced.items():
        yield to_iri(obsolete), "owl:deprecated", "true", None
        if replacement:
            yield to_iri(obsolete), "obo:IAO_0100001", to_iri(replacement), None
    for index, (entity, definition) in enumerate(
        zip(graph.entity_ids, graph.definitions, strict=True)
    ):
        if definition:
            yield to_iri(entity), DEFINITION, definition, None
        for name in graph.names_of(index):
            yield to_iri(entity), SCOPE_PREDICATES[name.scope], name.text, name.language or None


def to_pyg(graph: KnowledgeGraph) -> "Data":
    """Return the edges as tensors, with the attributes of nodes and relations as lists.

    ``edge_index`` and ``edge_type`` contain indices into the lists ``entity_ids`` and
    ``relation_ids``; ``names`` and ``definitions`` are aligned with ``entity_ids``. In a merged
    graph, ``sources`` is aligned with ``entity_ids`` and ``edge_sources`` with the edges.
    """
    import torch
    from torch_geometric.data import Data

    edges = np.stack([graph.heads, graph.tails]).astype(np.int64)
    data = Data(
        edge_index=torch.from_numpy(edges),
        edge_type=torch.from_numpy(graph.relations.astype(np.int64)),
        num_nodes=len(graph),
        entity_ids=list(graph.entity_ids),
        names=[
            [(name.text, name.scope, name.language) for name in graph.names_of(index)]
            for index in range(len(graph))
        ],
        definitions=list(graph.definitions),
        relation_ids=list(graph.relation_ids),
        relation_names=list(graph.relation_names),
        replaced=dict(graph.replaced),
        version=graph.version,
        licence=graph.licence,
        references=list(graph.references),
    )
    if graph.origins:
        data.sources = [graph.origins.of_entity(index) for index in range(len(graph))]
        data.edge_sources = [graph.origins.of_edge(edge) for edge in range(len(graph.heads))]
    return data


def _edges(graph: KnowledgeGraph) -> "zip[tuple[int, int, int]]":
    columns = (graph.heads, graph.relations, graph.tails)
    return zip(*(column.tolist() for column in columns), strict=True)
