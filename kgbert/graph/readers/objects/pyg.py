"""Read the PyTorch Geometric graphs that kgbert exports."""

from typing import TYPE_CHECKING

from kgbert.graph.rdf.statements import Statements
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.utils.errors import GraphError

if TYPE_CHECKING:
    from torch_geometric.data import Data


def read_pyg(data: "Data", statements: Statements) -> None:
    """Add the nodes and edges of a ``Data`` that :func:`kgbert.graph.export.to_pyg` made.

    Raises:
        GraphError: It lacks the ids of its nodes or relations.
    """
    missing = [key for key in ("entity_ids", "relation_ids", "edge_type") if key not in data]
    if missing:
        raise GraphError(
            f"the PyG Data has no {' and no '.join(missing)}, so its nodes or relations are only "
            f"numbers. Set them: data.entity_ids = ['HP:0000001', ...], data.relation_ids = "
            f"['rdfs:subClassOf', ...], data.edge_type = tensor of positions in relation_ids.",
            code="pyg-without-ids",
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
