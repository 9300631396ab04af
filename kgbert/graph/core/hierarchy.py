"""Traverse the hierarchies of a graph iteratively; traversals terminate on cycles."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import HIERARCHICAL, INSTANCE_RELATIONS, KnowledgeGraph


def is_hierarchical(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """Return for each edge whether it is hierarchical, from an entity to a more general one.

    An edge from a concept in a hierarchy to the class that it is an instance of does not count; in
    some thesauri every concept has one.
    """
    if not graph.relation_ids:
        return np.zeros(0, np.bool_)
    is_above = np.array([relation in HIERARCHICAL for relation in graph.relation_ids], np.bool_)
    is_instance = np.array([each in INSTANCE_RELATIONS for each in graph.relation_ids], np.bool_)
    upward, instances = is_above[graph.relations], is_instance[graph.relations]
    between_classes = upward & ~instances & (graph.heads != graph.tails)
    is_class = np.zeros(len(graph), np.bool_)
    is_class[graph.heads[between_classes]] = is_class[graph.tails[between_classes]] = True
    kept: NDArray[np.bool_] = upward & ~(instances & is_class[graph.heads])
    return kept


def parents(graph: KnowledgeGraph, index: int) -> list[int]:
    """Return the distinct parents of an entity, in the order of its edges.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for child, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")):
    ...     builder.add_name(child, child)
    ...     builder.add_edge(child, "rdfs:subClassOf", parent)
    >>> graph = builder.build()
    >>> parents(graph, 0), list(ancestors(graph, 0))
    ([1], [1, 2])
    """
    start, end = graph.edge_offsets[index : index + 2].tolist()
    above: dict[int, None] = {}
    for relation, tail in zip(
        graph.relations[start:end].tolist(), graph.tails[start:end].tolist(), strict=True
    ):
        if tail != index and graph.relation_ids[relation] in HIERARCHICAL:
            above[tail] = None
    return list(above)


def ancestors(graph: KnowledgeGraph, *indices: int) -> Iterator[int]:
    """Yield the distinct ancestors of entities, the nearest first, without these entities."""
    seen, queue = set(indices), deque(indices)
    while queue:
        for parent in parents(graph, queue.popleft()):
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
                yield parent


def levels(graph: KnowledgeGraph) -> NDArray[np.int32]:
    """Return the distance of each entity from the nearest root of a hierarchy.

    It is 0 for roots and entities outside hierarchies, and -1 for entities that no root reaches.
    """
    from scipy.sparse import csr_array  # kgbert.runtime climbs hierarchies without it.

    hierarchical = is_hierarchical(graph) & (graph.heads != graph.tails)
    # Row = parent, column = child.
    below = csr_array(
        (
            np.ones(int(hierarchical.sum()), np.bool_),
            (graph.tails[hierarchical], graph.heads[hierarchical]),
        ),
        shape=(len(graph), len(graph)),
    )
    level = np.full(len(graph), -1, np.int32)
    frontier = np.setdiff1d(np.arange(len(graph), dtype=np.int64), graph.heads[hierarchical])
    depth = 0
    while len(frontier):
        level[frontier] = depth
        depth += 1
        reached = np.unique(below[frontier].indices)
        frontier = reached[level[reached] < 0]
    return level
