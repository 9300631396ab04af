"""Synonym pairs, and training batches with hard negatives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.normalization.casefold import fold_cluster

#: Scopes of synonyms; broad and narrow names denote other concepts.
_SYNONYMS = tuple(SCOPES.index(scope) for scope in ("preferred", "exact", "related"))

#: Number of similar entities that are placed in the same batch.
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
    """Return at most ``most`` pairs of synonyms; each name occurs about once.

    An entity with n names gives n - 1 random pairs, so that an entity with fifty synonyms does not
    dominate the sample.
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
    """Yield every pair once, in batches of entities with similar names.

    A random batch of a large ontology contains hardly any hard negatives.

    Args:
        pairs: The pairs, in any order.
        neighbours: Maps an entity to the most similar entities.
        size: Pairs per batch; the last batch can be smaller.
        random: Draws the first entity of each run of similar entities.
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
    """Return the nearest other entities, by entity."""
    return {
        entity: [other for other in row if other != entity]
        for entity, row in zip(entities.tolist(), nearest.tolist(), strict=True)
    }
