"""The adjacency of a graph in compressed sparse rows (CSR), for neighbour sampling."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import ROW_CACHE
from kgbert.utils.safetensors_io import open_matrices, save_matrices

logger = logging.getLogger(__name__)

#: From this number of edges, the adjacency is cached in a file that all processes map.
LARGE = 2_000_000

#: Folder of the cache files, which are named by the hash of their graph.
CACHE = Path(ROW_CACHE)


@dataclass(frozen=True, eq=False)
class CSRAdjacency:
    """Compressed sparse rows over both directions of every edge, sorted by type and sender."""

    offsets: NDArray[np.int64]
    """``offsets[i : i + 2]`` are the start and end of the row of node ``i``."""
    senders: NDArray[np.int32]
    types: NDArray[np.int32]
    """Relation of each edge; ``relation + relations`` for inverse edges."""


def load_adjacency(graph: KnowledgeGraph) -> CSRAdjacency:
    """Return the adjacency of a graph; that of a large graph is cached in a file."""
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
    """Return the adjacency of a graph, sorted in memory.

    A row has the tails of the edges of its node, which are sorted already, and then the heads of
    the edges to it, which need one stable sort.
    """
    relations = len(graph.relation_ids)
    forward, backward = _in_order(graph)
    starts, ends = (np.bincount(x, minlength=len(graph)) for x in (graph.heads, graph.tails))
    offsets = np.zeros(len(graph) + 1, np.int64)
    np.cumsum(starts + ends, out=offsets[1:])
    senders = np.empty(2 * len(graph.heads), np.int32)
    types = np.empty_like(senders)
    # A head receives from the tails of its edges, a tail from the heads by the inverse relation.
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
    """Return the position of each edge, sorted by receiver.

    Args:
        receivers: The receiver of each edge.
        counts: Number of edges of each node.
        first: The position of the first edge of each node.
    """
    before = np.cumsum(counts) - counts
    places: NDArray[np.int64] = np.arange(len(receivers)) + (first - before)[receivers]
    return places
