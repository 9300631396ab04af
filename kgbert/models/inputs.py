"""The knowledge that a batch brings beside its tokens."""

from typing import Any, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from kgbert.models.layers.fast_paths import TableLayout
from kgbert.models.layers.knowledge_attention import Links
from kgbert.utils.errors import KGBertError


class BatchKnowledge(NamedTuple):
    """The links of a batch, and what they lead to.

    That is either the sampled subgraph around the batch's entities, or vectors that were computed
    from the whole graph beforehand. The field names are the keyword arguments of the fused models'
    ``forward``.
    """

    link_batch_index: Int[Tensor, " positions"]
    """The text of each linked position."""
    link_token_index: Int[Tensor, " positions"]
    """Its place in the text."""
    link_query_index: Int[Tensor, " links"]
    """The position that a link starts from."""
    link_node_index: Int[Tensor, " links"]
    """The node that it leads to."""
    link_scores: Float[Tensor, " links"]
    """Log of the linker's score."""
    link_row_index: Int[Tensor, " positions"]
    """Which of its text's linked positions it is."""
    link_col_index: Int[Tensor, " links"]
    """Which of its text's entities a link leads to."""
    table_size: tuple[int, int]
    """The most linked positions and the most entities that one text has."""
    node_features: Float[Tensor, "nodes features"] | None = None
    """Feature vectors of the sampled nodes."""
    edge_index: Int[Tensor, "2 edges"] | None = None
    """Senders and receivers, positions among the nodes."""
    edge_types: Int[Tensor, " edges"] | None = None
    """Relation of each edge; ``relations`` higher where it is read against its direction."""
    hop_sizes: list[tuple[int, int]] | None = None
    """Nodes and edges that each hop added, the linked nodes first; None where nodes and edges
    stand in another order, so that a vector is computed for every node."""
    entity_vectors: Float[Tensor, "nodes size"] | None = None
    """Precomputed vectors of the linked nodes, in the place of a subgraph."""
    vectors_hash: str | None = None
    """Of which weights they are."""
    link_gold: Int[Tensor, " links"] | None = None
    """Gold labels of the links, as :func:`kgbert.models.linking_loss.linking_loss` reads them."""

    def layout(self) -> TableLayout:
        """Return where the links stand in the tables of their texts."""
        return TableLayout(self.link_row_index, self.link_col_index, self.table_size)

    def links(self, scores: Tensor) -> Links:
        """Return the links with these scores in the place of the linker's."""
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

    Only shapes are checked, which costs no synchronisation with a GPU. Returns None where the
    batch brings nothing of it.

    Raises:
        ValueError: Something is missing, or the tensors do not fit together.
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
    edges = 0 if knowledge.edge_types is None else len(knowledge.edge_types)
    return (
        (knowledge.edge_index is None or knowledge.edge_index.shape == (2, edges))
        and _as_long(
            knowledge.link_batch_index, knowledge.link_token_index, knowledge.link_row_index
        )
        and _as_long(
            knowledge.link_query_index,
            knowledge.link_node_index,
            knowledge.link_scores,
            knowledge.link_col_index,
        )
        and nodes is not None
        and _sums_up(knowledge.hop_sizes, len(nodes), edges)
    )


def _as_long(*columns: Tensor) -> bool:
    return len({len(column) for column in columns}) == 1


def _sizes(knowledge: BatchKnowledge) -> str:
    return ", ".join(
        f"{name} has shape {tuple(value.shape)}"
        for name, value in knowledge._asdict().items()
        if isinstance(value, Tensor)
    )


def _sums_up(hop_sizes: list[tuple[int, int]] | None, nodes: int, edges: int) -> bool:
    """Return whether the hops together have as many nodes and edges as the batch."""
    return hop_sizes is None or [sum(each) for each in zip(*hop_sizes, strict=True)] == [
        nodes,
        edges,
    ]
