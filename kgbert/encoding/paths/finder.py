"""Find the paths of few relations between entities, by meeting in the middle."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.csr import CSRAdjacency, build_adjacency
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import is_hierarchical
from kgbert.utils.errors import KGBertError, Remedy

#: Largest number of steps of a path.
MAX_STEPS = 3

#: Largest fan-out of a step inside a path: paths through hubs are costly and say little.
MAX_FAN_OUT = 256

#: Name of the path from an entity to itself.
SAME = "same"

#: Names of the steps along a hierarchy, of any length.
UP, DOWN = "is_a*", "is_a*^-1"

#: Separates the steps in the name of a type of path.
SEPARATOR = " · "

#: Number of entities whose surroundings are kept.
_CACHED = 1 << 15

Integers = NDArray[np.int64]


class Paths(NamedTuple):
    """Paths as parallel arrays."""

    sources: Integers
    """Position of the first entity among the sources."""
    targets: Integers
    """Position of the last entity among the targets."""
    types: Integers
    """Codes of the types of path, see :meth:`PathFinder.name`."""
    stations: Integers
    """The entities in between, shape (paths, steps - 1); -1 where a path is shorter."""


class _Walks(NamedTuple):
    """Walks of equal length from some sources."""

    owners: Integers
    """Position of the source of each walk."""
    steps: Integers
    """Shape (walks, length)."""
    stations: Integers
    """The entities after each step, shape (walks, length)."""


class _Neighbours(NamedTuple):
    """The entities that one step leads to."""

    steps: Integers
    entities: Integers
    is_specific: NDArray[np.bool_]
    """Whether the step may be part of a longer path: its fan-out is bounded from both ends."""


@dataclass(frozen=True, eq=False)
class TargetIndex:
    """The targets of a search with their surroundings, sorted by entity."""

    entities: Integers
    """The entity of each target; -1 for a target without entity."""
    order: Integers
    """The targets in the order of their entities."""
    ends: Integers
    """The entities that one step leads to from a target, sorted."""
    owners: Integers
    """The target of each of these steps."""
    steps: Integers
    is_specific: NDArray[np.bool_]


class PathFinder:
    """Finds all paths of at most a few steps between entities.

    A step follows one relation, in its direction or against it (``^-1``), or climbs a hierarchy up
    or down by any number of edges (``is_a*``, ``is_a*^-1``). Two climbs in the same direction do
    not follow each other, since they are one. A path visits each entity once. Its type is the
    sequence of its steps; ``same`` is the path from an entity to itself.

    In a path of several steps, no step has a fan-out above ``max_fan_out`` at either end: the
    number of entities that the same step leads to from there. A path of one step has no limit, but
    a climb is found only if it is within the limit from one of its ends.

    Paths are found from both ends: the steps from the sources and those from the targets meet in
    the middle. Path types as features of two entities follow the path ranking algorithm (Lao et al.
    2011, EMNLP).

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for name in ("aspirin", "fever", "symptom", "drug"):
    ...     builder.add_name(name, name)
    >>> builder.add_edge("aspirin", "treats", "fever")
    >>> builder.add_edge("fever", "rdfs:subClassOf", "symptom")
    >>> builder.add_edge("aspirin", "rdfs:subClassOf", "drug")
    >>> graph = builder.build()
    >>> finder = PathFinder(graph)
    >>> sources = [graph.index("aspirin")]
    >>> found = finder.find(sources, finder.index(range(len(graph))))
    >>> for target, code in sorted(zip(found.targets.tolist(), found.types.tolist())):
    ...     print(graph.name(target), "|", finder.name(code))
    aspirin | same
    drug | is_a*
    fever | treats
    symptom | treats · is_a*
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        steps: int = 2,
        max_fan_out: int = MAX_FAN_OUT,
        relation_names: Sequence[str] = (),
    ) -> None:
        """Index a graph.

        Args:
            graph: The graph.
            steps: Largest number of steps of a path.
            max_fan_out: Largest fan-out of a step inside a path.
            relation_names: The names of the relations in the types of path; by default those of
                the graph. Relations of one name are one step.
        """
        check_steps(steps)
        self.graph, self.steps, self.max_fan_out = graph, steps, max_fan_out
        self._relations = len(graph.relation_ids)
        self.relation_names = tuple(relation_names) or _unique_names(graph)
        climbs, distinct = is_hierarchical(graph), graph.heads != graph.tails
        self._facts = _adjacency(graph, ~climbs & distinct, self.relation_names)
        self._hierarchy = _adjacency(graph, climbs & distinct)
        self._up, self._down = 2 * self._relations, 2 * self._relations + 1
        self._base = self._down + 2
        backward = [f"{name}^-1" for name in self.relation_names]
        self.step_names = [*self.relation_names, *backward, UP, DOWN]
        digits: dict[str, int] = {}
        for digit, name in enumerate(self.step_names, start=1):
            digits.setdefault(name, digit)
        self._digits = digits
        self._fan_out_keys, self._fan_outs = self._count_fan_outs()
        # The caches belong to one finder, not to the class: they die with it.
        self._closure = lru_cache(_CACHED)(self._find_closure)
        self._neighbours = lru_cache(_CACHED)(self._find_neighbours)
        self.reached = lru_cache(_CACHED)(self._find_reached)

    def __reduce__(self) -> tuple[Callable[..., "PathFinder"], tuple[KnowledgeGraph]]:
        # A cache cannot be pickled; a loader process starts with an empty one.
        make = partial(
            PathFinder,
            steps=self.steps,
            max_fan_out=self.max_fan_out,
            relation_names=self.relation_names,
        )
        return make, (self.graph,)

    def name(self, code: int) -> str:
        """Return the name of a type of path."""
        digits = []
        while code:
            code, digit = divmod(code, self._base)
            digits.append(self.step_names[digit - 1])
        return SEPARATOR.join(digits) or SAME

    def code(self, name: str) -> int | None:
        """Return the code of a type of path; None if the graph has no such relation."""
        if name == SAME:
            return 0
        code, names = 0, name.split(SEPARATOR)
        if len(names) > self.steps or not self._digits.keys() >= set(names):
            return None
        for step in reversed(names):
            code = code * self._base + self._digits[step]
        return code

    def lengths(self, codes: Integers) -> Integers:
        """Return the number of steps of types of path."""
        powers = self._base ** np.arange(MAX_STEPS, dtype=np.int64)
        return np.searchsorted(powers, codes, side="right")

    def index(self, targets: Iterable[int]) -> TargetIndex:
        """Return the index of some targets, for searches from any sources.

        Args:
            targets: The entity of each target; -1 for a target without entity.
        """
        entities = np.fromiter(targets, np.int64)
        places = np.flatnonzero(entities >= 0)
        near = [self._neighbours(entity) for entity in entities[places].tolist()]
        ends = _joined([x.entities for x in near])
        order = np.argsort(ends, kind="stable")
        return TargetIndex(
            entities,
            np.argsort(entities, kind="stable"),
            ends[order],
            np.repeat(places, [len(x.steps) for x in near])[order],
            _joined([x.steps for x in near])[order],
            np.concatenate([np.zeros(0, np.bool_), *(x.is_specific for x in near)])[order],
        )

    def find(self, sources: Sequence[int], index: TargetIndex) -> Paths:
        """Return all paths from some sources to the targets of an index, each once."""
        starts = np.array(sources, np.int64)
        owners = np.arange(len(starts))
        walks = _Walks(owners, *(2 * [np.zeros((len(starts), 0), np.int64)]))
        found = [self._short_paths(starts, index)]
        for _ in range(self.steps - 1):
            walks = self._longer(starts, walks)
            found.append(self._paths(starts, walks, index))
        return Paths(*map(np.concatenate, zip(*found, strict=True)))

    def _paths(self, sources: Integers, walks: _Walks, index: TargetIndex) -> Paths:
        """Return the paths that begin with one of some walks and end one step later."""
        rows, hits = _join(walks.stations[:, -1], index.ends)
        steps, targets = self._inverse(index.steps[hits]), index.owners[hits]
        reached, before = index.entities[targets], walks.stations[rows]
        keep = index.is_specific[hits] & self._may_follow(walks.steps[rows, -1], steps)
        keep &= (reached != sources[walks.owners[rows]]) & (before != reached[:, None]).all(1)
        types = self._codes(np.column_stack([walks.steps[rows], steps]))
        return self._filled(walks.owners[rows][keep], targets[keep], types[keep], before[keep])

    def _short_paths(self, sources: Integers, index: TargetIndex) -> Paths:
        """Return the paths of no and of one step."""
        ordered = index.entities[index.order]
        starts, same = _join(sources, ordered)
        near = [self._neighbours(source) for source in sources.tolist()]
        owners = np.repeat(np.arange(len(near)), [len(x.steps) for x in near])
        rows, hits = _join(_joined([x.entities for x in near]), ordered)
        onward = _joined([x.steps for x in near])[rows] + 1
        ends, back = _join(sources, index.ends)
        homeward = self._inverse(index.steps[back]) + 1
        # A step is found from either end, or from both.
        found = np.unique(
            np.concatenate(
                [
                    np.column_stack([starts, index.order[same], np.zeros_like(same)]),
                    np.column_stack([owners[rows], index.order[hits], onward]),
                    np.column_stack([ends, index.owners[back], homeward]),
                ]
            ),
            axis=0,
        )
        owners, targets, types = found.T
        return self._filled(owners, targets, types, np.zeros((len(found), 0), np.int64))

    def _filled(
        self, sources: Integers, targets: Integers, types: Integers, stations: Integers
    ) -> Paths:
        missing = np.full((len(targets), self.steps - 1 - stations.shape[1]), -1, np.int64)
        return Paths(sources, targets, types, np.concatenate([stations, missing], axis=1))

    def _longer(self, sources: Integers, walks: _Walks) -> _Walks:
        """Return the walks that are one step longer."""
        is_first = not walks.steps.shape[1]
        ends = sources if is_first else walks.stations[:, -1]
        near = [self._neighbours(end) for end in ends.tolist()]
        rows = np.repeat(np.arange(len(near)), [len(x.steps) for x in near])
        steps, entities = _joined([x.steps for x in near]), _joined([x.entities for x in near])
        keep = np.concatenate([np.zeros(0, np.bool_), *(x.is_specific for x in near)])
        if not is_first:
            keep &= self._may_follow(walks.steps[rows, -1], steps)
            keep &= (walks.stations[rows] != entities[:, None]).all(1)
            keep &= sources[walks.owners[rows]] != entities
        rows = rows[keep]
        return _Walks(
            walks.owners[rows],
            np.column_stack([walks.steps[rows], steps[keep]]),
            np.column_stack([walks.stations[rows], entities[keep]]),
        )

    def _codes(self, steps: Integers) -> Integers:
        powers = self._base ** np.arange(steps.shape[1], dtype=np.int64)
        codes: Integers = (steps + 1) @ powers
        return codes

    def _inverse(self, steps: Integers) -> Integers:
        """Return the steps that lead back."""
        backward = np.where(steps < self._relations, steps + self._relations, 0)
        backward = np.where(
            (steps >= self._relations) & (steps < self._up), steps - self._relations, backward
        )
        return np.where(steps >= self._up, self._up + self._down - steps, backward)

    def _may_follow(self, before: Integers, steps: Integers) -> NDArray[np.bool_]:
        """Return whether steps may follow others: a climb is as long as it can be."""
        may_follow: NDArray[np.bool_] = (before != steps) | (steps < self._up)
        return may_follow

    def path_to(self, source: int, end: int) -> tuple[tuple[int, ...], str]:
        """Return the entities of a path by which one entity is :attr:`reached`, and its type."""
        stations, steps, before = [end], list[int](), self.reached(source)
        while (found := before[stations[0]]) is not None:
            station, step = found
            stations.insert(0, station)
            steps.insert(0, step)
        return tuple(stations), SEPARATOR.join(self.step_names[x] for x in steps) or SAME

    def _find_reached(self, entity: int) -> dict[int, tuple[int, int] | None]:
        """Return what a few steps lead to, with the entity and the step before; None at the start.

        All steps follow a relation in its direction, or climb a hierarchy up. Only the first one
        may have any fan-out.
        """
        found: dict[int, tuple[int, int] | None] = {entity: None}
        level = [entity]
        for number in range(self.steps):
            following: list[int] = []
            for each in level:
                near = self._neighbours(each)
                kept = (near.steps < self._relations) | (near.steps == self._up)
                specific = near.is_specific & kept
                kept = specific if number else kept
                for end, step in zip(near.entities[kept], near.steps[kept], strict=True):
                    found.setdefault(int(end), (each, int(step)))
                following += near.entities[specific].tolist()
            level = list(dict.fromkeys(following))
        return found

    def _find_neighbours(self, entity: int) -> _Neighbours:
        row = slice(*self._facts.offsets[entity : entity + 2].tolist())
        targets = self._facts.senders[row].astype(np.int64)
        steps = self._facts.types[row].astype(np.int64)
        is_specific = self._has_bounded_fan_out(np.full_like(targets, entity), steps)
        is_specific &= self._has_bounded_fan_out(targets, self._inverse(steps))
        parts = [_Neighbours(steps, targets, is_specific)]
        for step, up in ((self._up, True), (self._down, False)):
            others = self._closure(entity, up) or ()
            specific = [self._closure(other, not up) is not None for other in others]
            parts.append(
                _Neighbours(
                    np.full(len(others), step, np.int64),
                    np.array(others, np.int64),
                    np.array(specific, np.bool_),
                )
            )
        return _Neighbours(*map(np.concatenate, zip(*parts, strict=True)))

    def _find_closure(self, entity: int, up: bool) -> tuple[int, ...] | None:
        """Return all ancestors or all descendants of an entity; None if there are too many."""
        seen, level = {entity}, [entity]
        while level:
            following = []
            for each in level:
                row = slice(*self._hierarchy.offsets[each : each + 2].tolist())
                is_up = self._hierarchy.types[row] < max(1, self._relations)
                for other in self._hierarchy.senders[row][is_up == up].tolist():
                    if other not in seen:
                        seen.add(other)
                        following.append(other)
            if len(seen) - 1 > self.max_fan_out:
                return None
            level = following
        return tuple(sorted(seen - {entity}))

    def _count_fan_outs(self) -> tuple[Integers, Integers]:
        """Return the sorted keys of (entity, step), and the number of entities of each."""
        sizes = np.diff(self._facts.offsets)
        keys = np.repeat(np.arange(len(sizes)), sizes) * self._base + self._facts.types
        # Rows are sorted by type.
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        return keys[starts], np.diff(starts, append=len(keys))

    def _has_bounded_fan_out(self, entities: Integers, steps: Integers) -> NDArray[np.bool_]:
        if not len(entities):
            return np.zeros(0, np.bool_)
        places = np.searchsorted(self._fan_out_keys, entities * self._base + steps)
        bounded: NDArray[np.bool_] = np.less_equal(self._fan_outs[places], self.max_fan_out)
        return bounded


def check_steps(steps: int) -> None:
    """Raise KGBertError unless paths may have this number of steps."""
    if not 1 <= steps <= MAX_STEPS:
        raise KGBertError(
            f"paths of {steps} steps are not searched; a path has 1 to {MAX_STEPS} steps.",
            code="path-steps",
            remedies=[Remedy("paths", 2)],
        )


def _adjacency(
    graph: KnowledgeGraph, edges: NDArray[np.bool_], names: Sequence[str] = ()
) -> CSRAdjacency:
    """Return the adjacency of some edges of a graph, each once.

    Args:
        graph: The graph.
        edges: Which edges.
        names: The name of each relation; relations of one name become the first of them.
    """
    columns = {name: getattr(graph, name)[edges] for name in ("heads", "relations", "tails")}
    if len(set(names)) < len(names):
        first = np.array([names.index(name) for name in names], graph.relations.dtype)
        columns["relations"] = first[columns["relations"]]
        distinct = np.unique(np.column_stack(list(columns.values())), axis=0)
        columns = dict(zip(columns, distinct.T, strict=True))
    return build_adjacency(replace(graph, **columns, origins=None))


def _unique_names(graph: KnowledgeGraph) -> tuple[str, ...]:
    """Return the names of the relations, with the id where a name occurs twice."""
    names = list(graph.relation_names)
    return tuple(
        name if names.count(name) == 1 else f"{name} ({identifier})"
        for name, identifier in zip(names, graph.relation_ids, strict=True)
    )


def _join(values: Integers, ordered: Integers) -> tuple[Integers, Integers]:
    """Return the positions of all equal pairs of values and of sorted values."""
    first = np.searchsorted(ordered, values, side="left")
    counts = np.searchsorted(ordered, values, side="right") - first
    rows = np.repeat(np.arange(len(values)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, first[rows] + within


def _joined(parts: Iterable[Integers]) -> Integers:
    return np.concatenate([np.zeros(0, np.int64), *parts])
