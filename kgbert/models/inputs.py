"""The knowledge inputs of a batch."""

from typing import Any, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from kgbert.models.layers.fast_paths import TableLayout
from kgbert.models.layers.knowledge_attention import Links
from kgbert.utils.errors import KGBertError


class BatchKnowledge(NamedTuple):
    """The links of a batch, and the nodes that they link to.

    The nodes come with the sampled subgraph around the entities of the batch, or with precomputed
    entity vectors. The field names are the keyword arguments of ``forward`` of the fused models.
    """

    link_batch_index: Int[Tensor, " positions"]
    """The text of each linked position."""
    link_token_index: Int[Tensor, " positions"]
    """Its token in the text."""
    link_query_index: Int[Tensor, " links"]
    """The linked position of each link."""
    link_node_index: Int[Tensor, " links"]
    """The node of each link."""
    link_scores: Float[Tensor, " links"]
    """Log of the score of the linker."""
    link_row_index: Int[Tensor, " positions"]
    """The index of each position among the linked positions of its text."""
    link_col_index: Int[Tensor, " links"]
    """The index of the entity of each link among the entities of its text."""
    table_size: tuple[int, int]
    """The maximum numbers of linked positions and of entities of a text."""
    node_features: Float[Tensor, "nodes features"] | None = None
    """Feature vectors of the sampled nodes."""
    edge_index: Int[Tensor, "2 edges"] | None = None
    """Senders and receivers as indices of nodes."""
    edge_types: Int[Tensor, " edges"] | None = None
    """Relation of each edge; ``relation + relations`` for inverse edges."""
    hop_sizes: list[tuple[int, int]] | None = None
    """(nodes, edges) that each hop added, the linked nodes first; None if nodes and edges are in
    another order, so that a vector is computed for every node."""
    entity_vectors: Float[Tensor, "nodes size"] | None = None
    """Precomputed vectors of the linked nodes, instead of a subgraph."""
    vectors_hash: str | None = None
    """Hash of the weights that computed the vectors."""
    link_gold: Int[Tensor, " links"] | None = None
    """Gold labels of the links for :func:`kgbert.models.linking_loss.linking_loss`."""

    def layout(self) -> TableLayout:
        """Return the positions of the links in the dense tables of their texts."""
        return TableLayout(self.link_row_index, self.link_col_index, self.table_size)

    def links(self, scores: Tensor) -> Links:
        """Return the links with other scores than those of the linker."""
        return Links(
            self.link_batch_index,
            self.link_token_index,
            self.link_query_index,
            self.link_node_index,
            scores,
        )


_LINKS = BatchKnowledge._fields[:8]
_NUMBERS = ("hop_sizes", "table_size")
_SAMPLED = ("node_features", "edge_index", "edge_types")
_PRECOMPUTED = ("entity_vectors", "vectors_hash", "hop_sizes")


def pop_knowledge_inputs(inputs: dict[str, Any]) -> BatchKnowledge | None:
    """Remove the knowledge from a forward call's keyword arguments, and return it.

    Only shapes are checked, which needs no synchronisation with a GPU. Returns None if the batch
    has no knowledge.

    Raises:
        KGBertError: Inputs are missing, or the tensors do not fit together.
    """
    values = {name: inputs.pop(name, None) for name in BatchKnowledge._fields}
    if all(value is None for name, value in values.items() if name not in _NUMBERS):
        return None
    source = _SAMPLED if values["entity_vectors"] is None else _PRECOMPUTED
    if missing := [name for name in (*_LINKS, *source) if values[name] is None]:
        raise KGBertError(
            f"the batch brings knowledge without {', '.join(missing)}. Make batches with "
            "KGBertProcessor, which returns all of it.",
            code="incomplete-knowledge",
        )
    knowledge = BatchKnowledge(**values)
    if not _fits(knowledge):
        raise KGBertError(
            f"the batch's knowledge was cut apart: {_sizes(knowledge)}. transformers.pipeline() "
            "and DataParallel slice every tensor by rows, which a graph does not survive. Use "
            "kgbert.pipeline(folder), and torchrun for several GPUs.",
            code="sliced-knowledge",
        )
    return knowledge


def _fits(knowledge: BatchKnowledge) -> bool:
    nodes = knowledge.entity_vectors if knowledge.node_features is None else knowledge.node_features
    edges = 0 if knowledge.edge_types is None else knowledge.edge_types.shape[0]
    return (
        (knowledge.edge_index is None or knowledge.edge_index.shape == (2, edges))
        and _have_equal_length(
            knowledge.link_batch_index, knowledge.link_token_index, knowledge.link_row_index
        )
        and _have_equal_length(
            knowledge.link_query_index,
            knowledge.link_node_index,
            knowledge.link_scores,
            knowledge.link_col_index,
        )
        and nodes is not None
        and _matches_totals(knowledge.hop_sizes, nodes.shape[0], edges)
    )


def _have_equal_length(*columns: Tensor) -> bool:
    # No len(), which would fix the sizes of an exported graph.
    return all(column.shape[0] == columns[0].shape[0] for column in columns)


def _sizes(knowledge: BatchKnowledge) -> str:
    return ", ".join(
        f"{name} has shape {tuple(value.shape)}"
        for name, value in knowledge._asdict().items()
        if isinstance(value, Tensor)
    )


def _matches_totals(hop_sizes: list[tuple[int, int]] | None, nodes: int, edges: int) -> bool:
    """Return whether the hops add up to the numbers of nodes and edges of the batch."""
    return hop_sizes is None or [sum(each) for each in zip(*hop_sizes, strict=True)] == [
        nodes,
        edges,
    ]
