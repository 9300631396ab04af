"""Pairs of names that mean the same, and batches in which others nearly do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.normalization.casefold import fold_cluster

#: Scopes of names that mean the entity; a broad or narrow name means another.
_SYNONYMS = tuple(SCOPES.index(scope) for scope in ("preferred", "exact", "related"))

#: Entities that follow one another in a batch because their names are alike.
_NEIGHBOURS = 8


@dataclass(frozen=True)
class Pair:
    """Two names of one entity."""

    entity: int
    left: str
    right: str


def synonyms(graph: KnowledgeGraph) -> dict[int, tuple[str, ...]]:
    """Return the folded names of every entity that has at least two.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for name in ("Fever", "FEVER", "Pyrexia"):
    ...     builder.add_name("HP:1", name, "exact")
    >>> builder.add_name("HP:2", "Cough")
    >>> synonyms(builder.build())
    {0: ('fever', 'pyrexia')}
    """
    found: dict[int, dict[str, None]] = {}
    for entity, scope, name in zip(
        graph.name_entities.tolist(), graph.name_scopes.tolist(), graph.names, strict=True
    ):
        if scope in _SYNONYMS:
            found.setdefault(entity, {})[fold_cluster(name)] = None
    return {entity: tuple(names) for entity, names in found.items() if len(names) > 1}


def draw_pairs(
    names: dict[int, tuple[str, ...]], most: int, random: np.random.Generator
) -> list[Pair]:
    """Return pairs of synonyms, each entity's names about once, and no more than ``most``.

    An entity of n names gives n - 1 pairs of all it could give, so that one with fifty synonyms
    does not outweigh fifty others.
    """
    pairs = []
    for entity, known in names.items():
        possible = list(combinations(range(len(known)), 2))
        drawn = random.permutation(len(possible))[: len(known) - 1]
        pairs += [Pair(entity, *(known[i] for i in possible[number])) for number in drawn]
    kept = np.sort(random.permutation(len(pairs))[:most])
    return [pairs[number] for number in kept]


def batches_of(
    pairs: Sequence[Pair],
    neighbours: dict[int, Sequence[int]],
    size: int,
    random: np.random.Generator,
) -> Iterator[list[Pair]]:
    """Yield every pair once, in batches that hold entities with similar names.

    A batch drawn at random from a large ontology hardly holds two entities that could be taken
    for each other, and there is little to learn from the others.

    Args:
        pairs: In any order.
        neighbours: By entity, the entities most like it.
        size: Pairs in a batch; the last may have fewer.
        random: Draws where each run of similar entities begins.
    """
    waiting: dict[int, list[Pair]] = {}
    for number in random.permutation(len(pairs)).tolist():
        waiting.setdefault(pairs[number].entity, []).append(pairs[number])
    ordered: list[Pair] = []
    for number in random.permutation(len(pairs)).tolist():
        start = pairs[number].entity
        if not waiting.get(start):
            continue
        for entity in (start, *neighbours.get(start, ())[:_NEIGHBOURS]):
            if waiting.get(entity):
                ordered.append(waiting[entity].pop())
    for first in range(0, len(ordered), size):
        yield ordered[first : first + size]


def similar_entities(
    entities: NDArray[np.int64], nearest: NDArray[np.int64]
) -> dict[int, Sequence[int]]:
    """Return by entity those found nearest to it, itself left out."""
    return {
        entity: [other for other in row if other != entity]
        for entity, row in zip(entities.tolist(), nearest.tolist(), strict=True)
    }
