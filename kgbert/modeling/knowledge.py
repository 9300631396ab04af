"""The knowledge that a batch brings beside its tokens."""

from typing import Any, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor

from kgbert.modeling.attention import Links


class BatchKnowledge(NamedTuple):
    """The sampled subgraph around a batch's entities, and the links into it.

    The field names are the keyword arguments of the fused models' ``forward``.
    """

    node_features: Float[Tensor, "nodes features"]
    """Feature vectors of the sampled nodes."""
    edge_index: Int[Tensor, "2 edges"]
    """Senders and receivers, positions among the nodes."""
    edge_types: Int[Tensor, " edges"]
    """Relation of each edge; ``relations`` higher where it is read against its direction."""
    link_rows: Int[Tensor, " positions"]
    """The text of each linked position."""
    link_tokens: Int[Tensor, " positions"]
    """Its place in the text."""
    link_positions: Int[Tensor, " links"]
    """The position that a link starts from."""
    link_nodes: Int[Tensor, " links"]
    """The node that it leads to."""
    link_scores: Float[Tensor, " links"]
    """Log of the linker's score."""
    hop_sizes: list[tuple[int, int]] | None = None
    """Nodes and edges that each hop added, the linked nodes first; None where nodes and edges
    stand in another order, so that a vector is computed for every node."""

    def links(self, scores: Tensor) -> Links:
        """Return the links with these scores in the place of the linker's."""
        return Links(self.link_rows, self.link_tokens, self.link_positions, self.link_nodes, scores)


def take_knowledge(inputs: dict[str, Any]) -> BatchKnowledge | None:
    """Remove the knowledge from a forward call's keyword arguments, and return it.

    Only shapes are checked, which costs no synchronisation with a GPU. Returns None where the
    batch brings nothing of it.

    Raises:
        ValueError: Something is missing, or the tensors do not fit together.
    """
    found = {name: inputs.pop(name, None) for name in BatchKnowledge._fields}
    missing = [name for name, value in found.items() if value is None and name != "hop_sizes"]
    if len(missing) == len(found) - 1:
        return None
    if missing:
        raise ValueError(
            f"the batch brings knowledge without {', '.join(missing)}; make batches with "
            "KGBertProcessor, which returns all of it."
        )
    knowledge = BatchKnowledge(**found)
    edges, links = len(knowledge.edge_types), len(knowledge.link_positions)
    fits = (
        knowledge.edge_index.shape == (2, edges)
        and len(knowledge.link_rows) == len(knowledge.link_tokens)
        and links == len(knowledge.link_nodes) == len(knowledge.link_scores)
        and _sums_up(knowledge.hop_sizes, len(knowledge.node_features), edges)
    )
    if not fits:
        raise ValueError(
            "the batch's knowledge was cut apart: edge_index has shape "
            f"{tuple(knowledge.edge_index.shape)} for {edges} edges, and {links} links have "
            f"{len(knowledge.link_scores)} scores. transformers.pipeline() and DataParallel slice "
            "every tensor by rows, which a graph does not survive; use kgbert.pipeline(folder), "
            "and torchrun for several GPUs."
        )
    return knowledge


def _sums_up(hop_sizes: list[tuple[int, int]] | None, nodes: int, edges: int) -> bool:
    """Return whether the hops together have as many nodes and edges as the batch."""
    return hop_sizes is None or [sum(each) for each in zip(*hop_sizes, strict=True)] == [
        nodes,
        edges,
    ]
