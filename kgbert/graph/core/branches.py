"""The main branches of the hierarchy of a graph."""

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors, is_hierarchical

#: A branch with more than this share of all entities is replaced by its children.
LARGEST_SHARE = 0.5

#: Returns the children of an entity.
Children = Callable[[int], NDArray[np.int32]]


def branches_above(graph: KnowledgeGraph, entity_ids: Iterable[str]) -> set[str]:
    """Return the names of the main branches that contain some of the entities.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for child, parent in (("organ", "all"), ("cell", "all"), ("lung", "organ")):
    ...     builder.add_name(child, child)
    ...     builder.add_name(parent, parent)
    ...     builder.add_edge(child, "rdfs:subClassOf", parent)
    >>> branches_above(builder.build(), ["lung"])
    {'organ'}
    """
    tops = branch_tops(graph)
    found = (graph.entity_ids.find(entity) for entity in entity_ids)
    places = {place for place in found if place is not None}
    return {graph.name(top) for top in (*places, *ancestors(graph, *places)) if top in tops}


@lru_cache(maxsize=4)
def branch_tops(graph: KnowledgeGraph) -> frozenset[int]:
    """Return the top entities of the main branches: the roots, or their children.

    A root that covers most of the graph separates nothing, so its children replace it.
    """
    climbs = is_hierarchical(graph)
    heads, tails = graph.heads[climbs], graph.tails[climbs]
    order = np.argsort(tails, kind="stable")
    below, starts = heads[order], np.searchsorted(tails[order], np.arange(len(graph) + 1))

    def children(entity: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = below[starts[entity] : starts[entity + 1]]
        return found

    divided: set[int] = set()
    tops = set(tails.tolist()) - set(heads.tolist())
    while large := [top for top in tops if _share(top, children, len(graph)) > LARGEST_SHARE]:
        divided.update(large)
        tops = (tops | {child for top in large for child in children(top).tolist()}) - divided
    return frozenset(tops)


def _share(top: int, children: Children, size: int) -> float:
    found, queue = {top}, [top]
    while queue:
        fresh = set(children(queue.pop()).tolist()) - found
        found |= fresh
        queue.extend(fresh)
    return len(found) / size
