"""The vectors of the linked entities of an example, with and without edges of the graph."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kgbert.encoding.neighbor_sampling import SampledSubgraph
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.parts import EdgePart, triples
from kgbert.models.base import KGBertPreTrainedModel


class VectorTable(NamedTuple):
    """Entity vectors for several variants of an example."""

    vectors: Tensor
    """Shape (rows, size)."""
    rows: NDArray[np.int64]
    """The row of each linked entity in each variant, shape (variants, linked entities)."""


class _Neighbourhood(NamedTuple):
    """A sampled subgraph with the edge of the graph that each sampled edge is."""

    sampled: SampledSubgraph
    edges: list[EdgePart]


class LinkedVectors:
    """Computes the vectors of the linked entities of an example.

    Without an edge, only the entities whose neighbourhood contains it are computed again: the
    vector of an entity depends on its own neighbourhood only.
    """

    def __init__(
        self,
        model: KGBertPreTrainedModel,
        processor: KGBertProcessor,
        entities: NDArray[np.int64],
    ) -> None:
        """Sample the neighbourhood.

        Args:
            model: The model.
            processor: Its processor, which samples the graph.
            entities: The linked entities, in any order, with or without duplicates.
        """
        self.model, self.processor = model, processor
        self.entities = np.unique(entities)
        self._neighbourhood = lru_cache(maxsize=None)(self._sample)

    @cached_property
    def complete(self) -> Tensor:
        """The vectors of the linked entities with all edges, shape (linked entities, size)."""
        return self._vectors([self._neighbourhood(tuple(self.entities.tolist()))], [frozenset()])

    def table(self, removed: Sequence[frozenset[EdgePart]]) -> VectorTable:
        """Return the vectors of the linked entities in each variant.

        Args:
            removed: The edges that each variant lacks.
        """
        rows = np.tile(np.arange(len(self.entities)), (len(removed), 1))
        lacking = [edges for edges in dict.fromkeys(removed) if edges]
        affected = [self._affected(edges) for edges in lacking]
        lacking = [edges for edges, nodes in zip(lacking, affected, strict=True) if len(nodes)]
        affected = [nodes for nodes in affected if len(nodes)]
        if not lacking:
            return VectorTable(self.complete, rows)
        first = len(self.entities)
        for edges, nodes in zip(lacking, affected, strict=True):
            variants = np.flatnonzero([each == edges for each in removed])
            rows[np.ix_(variants, nodes)] = np.arange(first, first + len(nodes))
            first += len(nodes)
        parts = [self._neighbourhood(tuple(self.entities[nodes].tolist())) for nodes in affected]
        return VectorTable(torch.cat([self.complete, self._vectors(parts, lacking)]), rows)

    def repeated(self, copies: int) -> VectorTable:
        """Return the vectors of the linked entities once for each of several variants."""
        rows = np.arange(copies * len(self.entities)).reshape(copies, -1)
        return VectorTable(self.complete.repeat(copies, 1), rows)

    def _sample(self, entities: tuple[int, ...]) -> _Neighbourhood:
        sampled = self.processor.sampler.sample(np.array(entities, np.int64))
        return _Neighbourhood(sampled, list(triples(sampled, self.processor.graph)))

    def _affected(self, removed: frozenset[EdgePart]) -> NDArray[np.int64]:
        """Return the places of the linked entities whose vectors depend on some edges."""
        sampled, edges = self._neighbourhood(tuple(self.entities.tolist()))
        senders, receivers = sampled.edge_index
        nodes = np.unique(receivers[[edge in removed for edge in edges]])
        for _ in range(len(sampled.hop_sizes) - 2):
            nodes = np.union1d(nodes, receivers[np.isin(senders, nodes)])
        return nodes[nodes < len(self.entities)]

    def _vectors(
        self, parts: Sequence[_Neighbourhood], removed: Sequence[frozenset[EdgePart]]
    ) -> Tensor:
        """Return the vectors of the first nodes of each subgraph, each without some edges."""
        nodes, edge_index, edge_types, hop_sizes = _disjoint_union(parts, removed)
        device = self.model.device
        vectors = self.model.entity_vectors(
            torch.from_numpy(self.processor.features.vectors[nodes]).to(device),
            torch.from_numpy(edge_index).to(device),
            torch.from_numpy(edge_types).to(device),
            hop_sizes,
        )
        # Fusions without a graph encoder return the features of all nodes.
        return vectors[: hop_sizes[0][0]]


def _disjoint_union(
    parts: Sequence[_Neighbourhood], removed: Sequence[frozenset[EdgePart]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """Return nodes, edges, their types and the sizes of the hops of disjoint subgraphs.

    Args:
        parts: The subgraphs.
        removed: The edges that each lacks.
    """
    # Nodes and edges of the same hop of all subgraphs follow each other.
    node_counts = np.array([[nodes for nodes, _ in each.sampled.hop_sizes] for each in parts])
    by_hop = node_counts.T.ravel()
    starts = (np.cumsum(by_hop) - by_hop).reshape(node_counts.T.shape).T
    nodes = np.empty(node_counts.sum(), np.int64)
    ends, types, hops = [], [], []
    for counts, first, (sampled, edges), lacking in zip(
        node_counts, starts, parts, removed, strict=True
    ):
        places = np.concatenate([x + np.arange(y) for x, y in zip(first, counts, strict=True)])
        nodes[places] = sampled.nodes
        kept = np.array([edge not in lacking for edge in edges], np.bool_)
        ends.append(places[sampled.edge_index[:, kept]])
        types.append(sampled.edge_types[kept])
        edge_counts = [count for _, count in sampled.hop_sizes]
        hops.append(np.repeat(np.arange(len(edge_counts)), edge_counts)[kept])
    hop_of_edge = np.concatenate(hops)
    order = np.argsort(hop_of_edge, kind="stable")
    edge_counts = np.bincount(hop_of_edge, minlength=node_counts.shape[1]).tolist()
    return (
        nodes,
        np.concatenate(ends, 1)[:, order],
        np.concatenate(types)[order],
        list(zip(node_counts.sum(0).tolist(), edge_counts, strict=True)),
    )
