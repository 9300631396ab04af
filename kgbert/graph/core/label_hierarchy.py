"""Scores of labels that are entities of a hierarchy: how near are the wrong ones?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import parents

#: The labels of a text.
Labels = frozenset[str]


class LabelHierarchy:
    """The ancestors of the entities that the labels of a task stand for.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for name in ("gout", "sprain", "joint", "flu", "virus", "disease"):
    ...     builder.add_name(name, name)
    >>> for child, parent in (("gout", "joint"), ("sprain", "joint"), ("joint", "disease"),
    ...                       ("flu", "virus"), ("virus", "disease")):
    ...     builder.add_edge(child, "rdfs:subClassOf", parent)
    >>> graph = builder.build()
    >>> hierarchy = LabelHierarchy(graph, {x: x for x in ("gout", "sprain", "flu")})
    >>> hierarchy.distance("gout", "sprain"), hierarchy.distance("gout", "flu")
    (2, 4)
    """

    def __init__(self, graph: KnowledgeGraph, entities: Mapping[str, str]) -> None:
        self.graph = graph
        self.entities = {label: graph.entity_ids.find(x) for label, x in entities.items() if x}
        self._ancestors = lru_cache(1 << 16)(self._find_ancestors)
        self._pairs = lru_cache(1)(self._find_pairs)

    def __reduce__(self) -> tuple[type["LabelHierarchy"], tuple[KnowledgeGraph, dict[str, str]]]:
        # Caches cannot be pickled.
        ids = self.graph.entity_ids
        named = {label: ids[x] for label, x in self.entities.items() if x is not None}
        return LabelHierarchy, (self.graph, named)

    @cached_property
    def relates_labels(self) -> bool:
        """Whether a label is above another, or two labels have an ancestor in common."""
        labels = {entity: label for label, entity in self.entities.items() if entity is not None}
        reached = Counter(x for label in labels.values() for x in self._ancestors(label))
        return any(count > 1 for count in reached.values())

    @cached_property
    def has_parents(self) -> bool:
        """Whether a label is above another."""
        entities = {x for x in self.entities.values() if x is not None}
        return any(entities & self._ancestors(x).keys() - {y} for x, y in self.entities.items())

    def distance(self, first: str, second: str) -> int:
        """Return the number of edges between two labels through their nearest common ancestor.

        Labels without a common ancestor are joined one edge above their roots.
        """
        if first == second:
            return 0
        one, other = self._ancestors(first), self._ancestors(second)
        common = [one[x] + other[x] for x in one.keys() & other.keys()]
        return min(common) if common else max(one.values()) + max(other.values()) + 2

    def raised(self, scores: NDArray[np.float64], labels: Sequence[str]) -> NDArray[np.float64]:
        """Return scores in which no label has less than a label below it in the hierarchy.

        Args:
            scores: The score of each label, shape (labels).
            labels: The labels.
        """
        below, above = self._pairs(tuple(labels))
        raised = scores.copy()
        np.maximum.at(raised, above, scores[below])
        return raised

    def scores(self, gold: Sequence[Labels], predicted: Sequence[Labels]) -> dict[str, float]:
        """Return hierarchical precision, recall and F1, and the distance of wrong labels.

        Each set of labels is extended by their ancestors without the roots, and the extended sets
        are compared, all texts together (Kiritchenko et al. 2006). The distance is the mean over
        the wrong labels of the number of edges to the nearest gold label; 0 without wrong labels.
        Labels that no hierarchy relates have no such scores, as all would be equally far apart.
        """
        if not self.relates_labels:
            return {}
        pairs = list(zip(gold, predicted, strict=True))
        wanted, given, shared = 0, 0, 0
        for right, answer in pairs:
            expected, found = self._extended(right), self._extended(answer)
            wanted += len(expected)
            given += len(found)
            shared += len(expected & found)
        distances = [
            min(self.distance(label, other) for other in right)
            for right, answer in pairs
            if right
            for label in answer - right
        ]
        return {
            "hierarchical_precision": shared / given if given else 0.0,
            "hierarchical_recall": shared / wanted if wanted else 0.0,
            "hierarchical_f1": 2 * shared / (given + wanted) if given + wanted else 0.0,
            "error_distance": fmean(distances or [0]),
        }

    def _extended(self, labels: Labels) -> set[str | int]:
        """Return labels as entities, with their ancestors except roots."""
        return {x for label in labels for x in self._without_roots(label)}

    def _without_roots(self, label: str) -> Iterator[str | int]:
        for entity, distance in self._ancestors(label).items():
            if not distance or not isinstance(entity, int) or parents(self.graph, entity):
                yield entity

    def _find_pairs(self, labels: tuple[str, ...]) -> NDArray[np.int64]:
        """Return the places of labels, and of the labels above them, shape (2, pairs)."""
        places: dict[str | int, list[int]] = {}
        for place, label in enumerate(labels):
            if (entity := self.entities.get(label)) is not None:
                places.setdefault(entity, []).append(place)
        pairs = [
            (place, above)
            for place, label in enumerate(labels)
            for entity in self._ancestors(label)
            for above in places.get(entity, ())
        ]
        return np.array(pairs, np.int64).reshape(-1, 2).T

    def _find_ancestors(self, label: str) -> dict[str | int, int]:
        """Return the number of edges to each ancestor of a label and to itself."""
        start = self.entities.get(label)
        if start is None:
            return {label: 0}
        distances: dict[str | int, int] = {start: 0}
        level = [start]
        while level:
            above = dict.fromkeys(x for entity in level for x in parents(self.graph, entity))
            depth = distances[level[0]] + 1
            level = [entity for entity in above if entity not in distances]
            distances |= dict.fromkeys(level, depth)
        return distances
