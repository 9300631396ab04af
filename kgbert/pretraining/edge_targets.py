"""Choose edges to predict, hide them from message passing, and draw other senders."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.neighbor_sampling import NeighborSampler, SampledSubgraph

#: Share and maximum number of the edges of a subgraph that are predicted.
_SHARE, _MOST = 0.15, 256

#: Number of other senders that each edge is compared with.
NEGATIVES = 64


@dataclass(frozen=True)
class HiddenEdges:
    """A sampled subgraph without the edges to predict."""

    subgraph: SampledSubgraph
    targets: dict[str, NDArray[np.int64]]
    """The fields of :class:`kgbert.models.heads.triples.EdgeTargets`."""


def hide_edges(
    sampled: SampledSubgraph, sampler: NeighborSampler, random: np.random.Generator
) -> HiddenEdges:
    """Return a subgraph without some of its edges, which are to be predicted.

    Args:
        sampled: The subgraph.
        sampler: Its sampler, whose graph tells which other senders have the same edge.
        random: Draws the edges and the other senders.
    """
    count = len(sampled.edge_types)
    chosen = np.flatnonzero(random.random(count) < _SHARE)
    chosen = np.sort(random.permutation(chosen)[:_MOST])
    edges = np.stack([*sampled.edge_index[:, chosen], sampled.edge_types[chosen]], 1)
    ends = sampled.nodes[edges[:, :2]]
    return HiddenEdges(
        without_pairs(sampled, pair_keys(*ends.T)),
        {
            "target_edges": edges,
            "target_negatives": other_senders(edges, sampled.nodes, sampler, random),
        },
    )


def pair_keys(first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]) -> Any:
    """Return a number for each pair of entities, in any order."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return (low.astype(np.int64) << 32) | high


def without_pairs(sampled: SampledSubgraph, hidden: NDArray[np.int64]) -> SampledSubgraph:
    """Return a subgraph without any edge between the ends of hidden edges.

    Inverse edges and other relations of the same entities often imply the hidden edge (Toutanova
    and Chen 2015), so that they are hidden as well.

    Args:
        sampled: The subgraph.
        hidden: The keys of the pairs.
    """
    kept = ~np.isin(pair_keys(*sampled.nodes[sampled.edge_index]), hidden)
    starts = np.cumsum([0, *(edges for _, edges in sampled.hop_sizes)])
    left = np.concatenate([[0], np.cumsum(kept)])[starts]
    hops = zip(sampled.hop_sizes, np.diff(left).tolist(), strict=True)
    return SampledSubgraph(
        sampled.nodes,
        sampled.edge_index[:, kept],
        sampled.edge_types[kept],
        sampled.graph_types[kept],
        [(nodes, edges) for (nodes, _), edges in hops],
    )


def other_senders(
    edges: NDArray[np.int64],
    nodes: NDArray[np.int64],
    sampler: NeighborSampler,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Return random nodes for each edge; -1 for its receiver, and for nodes with the same edge.

    Args:
        edges: Senders and receivers as indices of ``nodes``, and relations; shape (edges, 3).
        nodes: The entities.
        sampler: Samples the graph.
        random: Draws the nodes.
    """
    drawn = random.integers(0, max(1, len(nodes)), (len(edges), NEGATIVES))
    drawn[drawn == edges[:, 1:2]] = -1
    for row, known in zip(drawn, _true_senders(edges, nodes, sampler), strict=True):
        row[np.isin(nodes[row], known)] = -1
    return drawn


def _true_senders(
    edges: NDArray[np.int64], nodes: NDArray[np.int64], sampler: NeighborSampler
) -> Iterator[NDArray[np.int32]]:
    rows = sampler.rows
    for _, receiver, relation in edges.tolist():
        row = slice(*rows.offsets[nodes[receiver] :][:2].tolist())
        yield rows.senders[row][rows.types[row] == relation]
