"""Sample the neighbourhood of the entities of a batch from the whole graph."""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.sampling_map import SamplingMap
from kgbert.graph.core.csr import CSRAdjacency, load_adjacency
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError


@dataclass(frozen=True)
class SampledSubgraph:
    """A sampled subgraph; edges point from the sending neighbour to the receiving node."""

    nodes: NDArray[np.int64]
    """Entity indices: the requested ones, then the new ones of each hop; ascending within a hop."""
    edge_index: NDArray[np.int64]
    """Senders and receivers as positions in ``nodes``, shape (2, edges); in hop order."""
    edge_types: NDArray[np.int64]
    """Relation of each edge in the model; ``relation + relations`` for inverse edges."""
    graph_types: NDArray[np.int64]
    """The same in the graph, which can have other relations than the model."""
    hop_sizes: list[tuple[int, int]]
    """(nodes, edges) that each hop added; the first entry is that of the requested entities."""


class NeighborSampler:
    """Samples up to ``fan_out`` neighbours of each node, over ``hops`` hops.

    The neighbours of a node depend only on (seed, epoch, node), never on the batch, its order or
    the worker, so that an entity has the same vector in every batch. The cost of a call depends on
    the size of the sample, not of the graph, whose rows can be memory-mapped. Where a graph
    replaces that of the training, a map gives the entities their random keys and the relations
    of the model.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for entity in ("a", "b", "c"):
    ...     builder.add_entity(entity)
    >>> builder.add_edge("a", "r", "b"), builder.add_edge("b", "r", "c")
    (None, None)
    >>> sampler = NeighborSampler(builder.build(), fan_out=4, hops=1)
    >>> sampler.sample(np.array([0])).edge_index.tolist()
    [[1], [0]]
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        fan_out: int = 8,
        hops: int = 2,
        seed: int = 0,
        mapping: SamplingMap | None = None,
    ) -> None:
        if fan_out < 1 or hops < 0:
            raise KGBertError(
                f"fan_out={fan_out} and hops={hops}: `fan_out` must be >= 1 and `hops` >= 0.",
                code="invalid-sampling",
            )
        self.graph, self.fan_out, self.hops, self.seed = graph, fan_out, hops, seed
        self.mapping = mapping

    @cached_property
    def rows(self) -> CSRAdjacency:
        """The adjacency to sample from; any object with these three arrays works."""
        rows = load_adjacency(self.graph)
        return rows if self.mapping is None else self.mapping.without_unknown(rows)

    @property
    def drawing(self) -> str:
        """The settings that determine, with the graph, the neighbours in evaluation."""
        mapped = "" if self.mapping is None else f", map {self.mapping.hash}"
        return f"up to {self.fan_out} neighbours, seed {self.seed}{mapped}"

    def sample(
        self, entities: NDArray[np.int64], epoch: int = 0, *, hops: int | None = None
    ) -> SampledSubgraph:
        """Return the neighbourhood of entities; these are the first nodes, in ascending order.

        Args:
            entities: Entity indices in any order, with or without duplicates.
            epoch: Part of the random seed.
            hops: Number of hops; the default of the sampler if None.
        """
        added = [np.unique(entities)]
        edges = [np.empty((3, 0), np.int64)]
        for _ in range(self.hops if hops is None else hops):
            drawn = self._neighbours(added[-1], epoch)
            edges.append(drawn)
            added.append(np.setdiff1d(drawn[0], np.concatenate(added)))
        nodes = np.concatenate(added)
        senders, receivers, types = np.concatenate(edges, axis=1)
        order = np.argsort(nodes)
        place = partial(np.searchsorted, nodes, sorter=order)
        return SampledSubgraph(
            nodes,
            np.stack([order[place(senders)], order[place(receivers)]]),
            types if self.mapping is None else self.mapping.edge_types[types],
            types,
            [(len(new), drawn.shape[1]) for new, drawn in zip(added, edges, strict=True)],
        )

    def _neighbours(self, nodes: NDArray[np.int64], epoch: int) -> NDArray[np.int64]:
        """Return senders, receivers and types of the drawn edges into ``nodes``."""
        rows = self.rows
        first, degree = rows.offsets[nodes], rows.offsets[nodes + 1] - rows.offsets[nodes]
        drawn = np.minimum(degree, self.fan_out)
        row = np.repeat(np.arange(len(nodes)), drawn)
        slot = np.arange(len(row)) - np.repeat(np.cumsum(drawn) - drawn, drawn)
        # Stratified sampling, one neighbour from each part of a row: neighbours are distinct, and
        # spread over the relations because rows are sorted by type.
        low = slot * degree[row] // drawn[row]
        high = (slot + 1) * degree[row] // drawn[row]
        keys = nodes if self.mapping is None else self.mapping.keys[nodes]
        noise = _scramble(keys[row], slot, self.seed, epoch)
        chosen = first[row] + low + (noise % (high - low).astype(np.uint64)).astype(np.int64)
        return np.stack([rows.senders[chosen], nodes[row], rows.types[chosen]])


def _scramble(*keys: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """Return 64 random-looking bits that depend on the keys alone (SplitMix64's finaliser)."""
    state = np.zeros(1, np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = state + np.asarray(key, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state
