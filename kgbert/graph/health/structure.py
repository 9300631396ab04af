"""Statistics of the structure of a graph: levels, branches and node degrees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import is_hierarchical, levels

#: Most branches that are listed at each of two levels.
BRANCHES = 12

#: Share of a hierarchy below one entity from which the children of that entity are the branches.
TRUNK = 0.9


@dataclass(frozen=True)
class HierarchyBranch:
    """An entity with all its descendants, and the largest branches directly below it."""

    name: str
    entities: int
    """The entity and its descendants; one with several parents counts below the first only."""
    branches: tuple["HierarchyBranch", ...] = ()


@dataclass(frozen=True)
class GraphStructure:
    """The data of the plots of a graph."""

    level_sizes: tuple[int, ...]
    """Entities at each distance from the nearest root of a hierarchy, roots first."""
    degrees: tuple[tuple[int, int, int], ...]
    """(fewest edges, most edges, number of entities) of degree classes that double in width."""
    trunk: str
    """The parent of the branches; empty if the branches are the roots."""
    branches: tuple[HierarchyBranch, ...]
    """The largest first."""


def graph_structure(graph: KnowledgeGraph) -> GraphStructure:
    """Return the structure of a graph.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for child, parent in (("b", "a"), ("c", "a"), ("d", "b")):
    ...     builder.add_edge(child, "rdfs:subClassOf", parent)
    >>> for entity in "abcd":
    ...     builder.add_name(entity, entity.upper())
    >>> shape = graph_structure(builder.build())
    >>> shape.level_sizes, shape.degrees
    ((1, 2, 1), ((1, 1, 2), (2, 2, 2)))
    >>> shape.trunk, [(branch.name, branch.entities) for branch in shape.branches]
    ('A', [('B', 2), ('C', 1)])
    """
    hierarchical = is_hierarchical(graph) & (graph.heads != graph.tails)
    level = levels(graph)
    inside = np.zeros(len(graph), np.bool_)
    inside[graph.heads[hierarchical]] = inside[graph.tails[hierarchical]] = True
    # An entity that no root reaches, only a cycle, has no level.
    inside &= level >= 0
    parent = _first_parents(graph, hierarchical, level)
    below = _sizes(parent, level)
    trunk, tops = _tops(parent, below, np.flatnonzero(inside & (level == 0)))
    return GraphStructure(
        level_sizes=tuple(np.bincount(level[inside]).tolist()),
        degrees=_degrees(graph),
        trunk="" if trunk is None else graph.name(trunk),
        branches=tuple(
            HierarchyBranch(
                graph.name(top),
                int(below[top]),
                tuple(
                    HierarchyBranch(graph.name(child), int(below[child]))
                    for child in _largest(np.flatnonzero(parent == top), below)
                ),
            )
            for top in _largest(tops, below)
        ),
    )


def _first_parents(
    graph: KnowledgeGraph, hierarchical: NDArray[np.bool_], level: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return for each entity its first parent one level up; -1 for roots."""
    heads, tails = graph.heads[hierarchical], graph.tails[hierarchical]
    up = (level[heads] > 0) & (level[tails] == level[heads] - 1)
    parent = np.full(len(graph), -1, np.int64)
    # In reverse order, so that the first edge of an entity is assigned last.
    parent[heads[up][::-1]] = tails[up][::-1]
    return parent


def _sizes(parent: NDArray[np.int64], level: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return for each entity the size of its subtree, itself included."""
    below = np.ones(len(parent), np.int64)
    order = np.argsort(level, kind="stable")
    bounds = np.searchsorted(level[order], np.arange(1, int(level.max(initial=0)) + 2))
    for start, end in zip(bounds[-2::-1].tolist(), bounds[:0:-1].tolist(), strict=True):
        members = order[start:end]
        np.add.at(below, parent[members], below[members])
    return below


def _tops(
    parent: NDArray[np.int64], below: NDArray[np.int64], roots: NDArray[np.int64]
) -> tuple[int | None, NDArray[np.int64]]:
    """Return the trunk, if there is one, and the entities that begin the branches."""
    trunk, tops = None, roots
    while len(tops):
        largest = int(tops[np.argmax(below[tops])])
        children = np.flatnonzero(parent == largest)
        if below[largest] < TRUNK * below[tops].sum() or len(children) == 0:
            break
        trunk, tops = largest, children
    return trunk, tops


def _largest(entities: NDArray[np.int64], below: NDArray[np.int64]) -> list[int]:
    order = np.argsort(-below[entities], kind="stable")
    kept: list[int] = entities[order[:BRANCHES]].tolist()
    return kept


def _degrees(graph: KnowledgeGraph) -> tuple[tuple[int, int, int], ...]:
    """Return the number of entities with 0, 1, 2, 3 to 4, 5 to 8, 9 to 16 ... edges."""
    degree = np.bincount(np.concatenate([graph.heads, graph.tails]), minlength=len(graph))
    classes = np.bincount(np.ceil(np.log2(np.maximum(degree, 1))).astype(int)[degree > 0])
    found = [(0, 0, int((degree == 0).sum()))]
    for power, count in enumerate(classes.tolist()):
        most = 1 << power
        found.append((most // 2 + 1 if power else 1, most, count))
    return tuple(found if found[0][2] else found[1:])
