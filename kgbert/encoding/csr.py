"""A graph's adjacency as compressed sparse rows (CSR), from which neighbours are sampled."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import open_matrices, save_matrices

logger = logging.getLogger(__name__)

#: From this number of edges on, the adjacency is cached in a file that all processes map.
LARGE = 2_000_000

#: Where these files are, by the hash of their graph.
CACHE = Path("~/.cache/kgbert/rows")


@dataclass(frozen=True, eq=False)
class CSRAdjacency:
    """Compressed sparse rows over both directions of every edge, sorted by type and sender."""

    offsets: NDArray[np.int64]
    """Where the row of node ``i`` begins and ends: ``offsets[i : i + 2]``."""
    senders: NDArray[np.int32]
    types: NDArray[np.int32]
    """Relation of each edge; ``relations`` higher where it is read against its direction."""


def load_adjacency(graph: KnowledgeGraph) -> CSRAdjacency:
    """Return the rows of a graph; those of a large one from a file that is made only once."""
    if len(graph.heads) < LARGE:
        return build_adjacency(graph)
    path = CACHE.expanduser() / f"{graph.hash[:32]}.safetensors"
    if not path.exists():
        adjacency = build_adjacency(graph)
        try:
            save_matrices(path, vars(adjacency), {"graph_hash": graph.hash})
        except OSError as error:
            logger.warning("the adjacency of the graph is not cached: %s", error)
            return adjacency
    try:
        matrices, _ = open_matrices(path)
        return CSRAdjacency(**matrices)
    except (KGBertError, ValueError, TypeError) as error:
        logger.warning("the cached adjacency is not used and made again: %s", error)
        path.unlink()
        return load_adjacency(graph)


def build_adjacency(graph: KnowledgeGraph) -> CSRAdjacency:
    """Return the rows of a graph, sorted in memory.

    A row holds what its node points to, the edges being sorted so already, and then what points to
    it, for which one stable sort is enough.
    """
    relations = len(graph.relation_ids)
    forward, backward = _in_order(graph)
    starts, ends = (np.bincount(x, minlength=len(graph)) for x in (graph.heads, graph.tails))
    offsets = np.zeros(len(graph) + 1, np.int64)
    np.cumsum(starts + ends, out=offsets[1:])
    senders = np.empty(2 * len(graph.heads), np.int32)
    types = np.empty_like(senders)
    # The head reads what its edge points to; the tail reads it as the inverse relation.
    places = _places(graph.heads[forward], starts, offsets[:-1])
    senders[places], types[places] = graph.tails[forward], graph.relations[forward]
    places = _places(graph.tails[backward], ends, offsets[:-1] + starts)
    senders[places], types[places] = graph.heads[backward], graph.relations[backward] + relations
    return CSRAdjacency(offsets, senders, types)


def _in_order(graph: KnowledgeGraph) -> tuple[Any, NDArray[np.int64]]:
    """Return the edges sorted by head, relation and tail, and by tail, relation and head."""
    heads, relations, tails = (
        column.astype(np.int64) for column in (graph.heads, graph.relations, graph.tails)
    )
    kinds = max(1, len(graph.relation_ids))
    key = heads * kinds + relations
    later = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & (tails[1:] >= tails[:-1]))
    if later.all():
        return slice(None), np.argsort(tails * kinds + relations, kind="stable")
    return np.lexsort((tails, key)), np.lexsort((heads, tails * kinds + relations))


def _places(
    receivers: NDArray[np.int32], counts: NDArray[np.int64], first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the place of each edge, sorted by receiver, where a node's edges start at ``first``.

    Args:
        receivers: Of each edge.
        counts: Edges of each node.
        first: The place of each node's first edge.
    """
    before = np.cumsum(counts) - counts
    places: NDArray[np.int64] = np.arange(len(receivers)) + (first - before)[receivers]
    return places
