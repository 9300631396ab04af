"""Pairs of texts about an entity of a graph, and batches of them with hard negatives."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kgbert.graph.core.graph import HIERARCHICAL, SCOPES, KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors
from kgbert.linking.embedding.synonyms import Pair, batches_of
from kgbert.pretraining.config import PretrainingConfig
from kgbert.utils.errors import GraphError, Remedy
from kgbert.utils.registry import lookup

#: Scopes of synonyms; broad and narrow names denote other concepts.
_SYNONYMS = tuple(SCOPES.index(scope) for scope in ("preferred", "exact", "related"))

#: Maximum number of siblings, and of entities in all, that are placed in the batch of an entity.
_SIBLINGS, _NEIGHBOURS = 6, 8

#: Maximum number of held-out pairs.
_HELD_OUT_PAIRS = 2_048


#: The names of each entity.
Names = Sequence[tuple[str, ...]]


class Statement(NamedTuple):
    """A text about an entity that belongs with each of its names."""

    entity: int
    text: str


class PairTexts:
    """The texts about the entities of a graph, from which pairs are drawn."""

    def __init__(self, graph: KnowledgeGraph, kinds: Sequence[str]) -> None:
        """Collect the texts.

        Args:
            graph: The graph.
            kinds: Names in ``PAIR_KINDS``.

        Raises:
            GraphError: Fewer than two entities have a pair of these kinds.
        """
        self.graph, self.names = graph, _names(graph)
        self.statements = {kind: self._statements(kind) for kind in kinds}
        self.entities = sorted({x.entity for some in self.statements.values() for x in some})
        if len(self.entities) < 2:
            raise GraphError(
                f"{graph.source or 'the graph'}: {len(self.entities)} of {len(graph):,} entities "
                f"have a pair of the kind {', '.join(kinds)}, and pairs of at least two entities "
                "are needed.",
                code="too-few-pairs",
                remedies=[
                    Remedy("pairs", ",".join(_available(graph, self.names)), "to use other kinds")
                ],
            )
        self.true_texts = lru_cache(maxsize=1 << 16)(self._true_texts)

    def _statements(self, kind: str) -> list[Statement]:
        found = lookup(PAIR_KINDS, kind, "kind of pair")(self.graph, self.names)
        return [x for x in found if kind == IDENTITY or {*self.names[x.entity]} != {x.text}]

    def all_texts(self) -> list[str]:
        """Return the names of the entities with a pair, and the texts they are paired with."""
        names = [name for entity in self.entities for name in self.names[entity]]
        return [*names, *(x.text for some in self.statements.values() for x in some)]

    def count(self, entities: set[int]) -> dict[str, int]:
        """Return the number of pairs of some entities by kind."""
        return {
            kind: sum(x.entity in entities for x in some) for kind, some in self.statements.items()
        }

    def draw(self, entities: set[int], random: np.random.Generator) -> list[Pair]:
        """Return each statement about some entities with one of their names, drawn at random."""
        return [
            Pair(x.entity, self._name_for(x, kind, random), x.text)
            for kind, some in self.statements.items()
            for x in some
            if x.entity in entities
        ]

    def _name_for(self, statement: Statement, kind: str, random: np.random.Generator) -> str:
        if kind == IDENTITY:
            return statement.text
        names = [name for name in self.names[statement.entity] if name != statement.text]
        return names[int(random.integers(len(names)))]

    def _true_texts(self, entity: int) -> frozenset[str]:
        """Return texts that are true of an entity, and therefore no negatives."""
        graph = self.graph
        own = {x.text for x in _edges_of(graph, entity)}
        inherited = {
            f"{name} {graph.name(above)}"
            for above in ancestors(graph, entity)
            for name in self._hierarchical_names
        }
        return frozenset({*self.names[entity], graph.definitions[entity], *own, *inherited})

    @property
    def _hierarchical_names(self) -> tuple[str, ...]:
        pairs = zip(self.graph.relation_ids, self.graph.relation_names, strict=True)
        return tuple(name for identifier, name in pairs if identifier in HIERARCHICAL)

    def neighbours(self, random: np.random.Generator) -> dict[int, Sequence[int]]:
        """Return entities that are easily confused with each entity: siblings and neighbours."""
        graph = self.graph
        adjacent: dict[int, list[int]] = {}
        children: dict[int, list[int]] = {}
        parents: dict[int, list[int]] = {}
        hierarchical = np.isin(graph.relation_ids, HIERARCHICAL)
        edges = zip(
            graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True
        )
        for head, relation, tail in edges:
            adjacent.setdefault(head, []).append(tail)
            adjacent.setdefault(tail, []).append(head)
            if hierarchical[relation]:
                children.setdefault(tail, []).append(head)
                parents.setdefault(head, []).append(tail)
        found: dict[int, Sequence[int]] = {}
        for entity in self.entities:
            siblings = [x for above in parents.get(entity, ()) for x in children[above]]
            drawn = _sample(siblings, _SIBLINGS, random)
            some = dict.fromkeys(drawn + _sample(adjacent.get(entity, []), _NEIGHBOURS, random))
            found[entity] = [other for other in some if other != entity][:_NEIGHBOURS]
        return found


class PairBatch(NamedTuple):
    """Pairs of texts that are compared with each other."""

    pairs: Sequence[Pair]
    no_negatives: NDArray[np.bool_]
    """Whether the text of a pair (column) is true of the entity of another pair (row)."""


class PairBatches(Dataset[PairBatch]):
    """The batches of a whole training, over several epochs.

    Pairs and order depend on the seed and the position only.
    """

    def __init__(
        self, texts: PairTexts, entities: Sequence[int], config: PretrainingConfig
    ) -> None:
        """Create the batches.

        Args:
            texts: The texts.
            entities: The entities whose pairs are used.
            config: Has batch size and seed.
        """
        self.texts, self.entities, self.config = texts, set(entities), config
        self.per_epoch = -(-sum(texts.count(self.entities).values()) // config.batch_size)
        self.count = self.per_epoch
        self._epoch, self._batches = -1, list[list[Pair]]()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> PairBatch:
        epoch, position = divmod(index, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._batches_of(epoch)
        pairs = self._batches[position]
        return PairBatch(pairs, _no_negatives(pairs, self.texts))

    def _batches_of(self, epoch: int) -> list[list[Pair]]:
        random = np.random.default_rng([self.config.seed, epoch])
        pairs = self.texts.draw(self.entities, random)
        neighbours = self.texts.neighbours(random)
        return list(batches_of(pairs, neighbours, self.config.batch_size, random))


def split_entities(texts: PairTexts, config: PretrainingConfig) -> tuple[list[int], list[int]]:
    """Return the entities to train on and those that are held out."""
    random = np.random.default_rng([config.seed, 0xE7A1])
    order = random.permutation(texts.entities).tolist()
    count = min(len(order) - 1, max(1, round(config.held_out * len(order))))
    per_entity = sum(map(len, texts.statements.values())) / len(order)
    count = min(count, max(1, round(_HELD_OUT_PAIRS / per_entity)))
    return sorted(order[count:]), sorted(order[:count])


def _no_negatives(pairs: Sequence[Pair], texts: PairTexts) -> NDArray[np.bool_]:
    true = [texts.true_texts(pair.entity) for pair in pairs]
    mask = np.array([[other.right in known for other in pairs] for known in true], np.bool_)
    entities = np.array([pair.entity for pair in pairs])
    mask |= entities[:, None] == entities[None, :]
    np.fill_diagonal(mask, False)
    return mask


def _sample(values: list[int], most: int, random: np.random.Generator) -> list[int]:
    if len(values) <= most:
        return values
    return [values[i] for i in random.choice(len(values), most, replace=False)]


def _names(graph: KnowledgeGraph) -> list[tuple[str, ...]]:
    """Return the distinct names and synonyms of each entity."""
    names: list[dict[str, None]] = [{} for _ in range(len(graph))]
    for entity, scope, name in zip(
        graph.name_entities.tolist(), graph.name_scopes.tolist(), graph.names, strict=True
    ):
        if scope in _SYNONYMS:
            names[entity][name] = None
    return [tuple(some) for some in names]


def _available(graph: KnowledgeGraph, names: Names) -> list[str]:
    counts = Counter(kind for kind, find in PAIR_KINDS.items() for _ in find(graph, names))
    return [kind for kind in PAIR_KINDS if counts[kind]]


def synonyms(graph: KnowledgeGraph, names: Names) -> Iterator[Statement]:
    """Yield the names of entities that have several, except for the first."""
    for entity, known in enumerate(names):
        yield from (Statement(entity, name) for name in known[1:])


def definitions(graph: KnowledgeGraph, names: Names) -> Iterator[Statement]:
    """Yield the definition of each entity with one."""
    for entity, known in enumerate(names):
        if known and graph.definitions[entity].strip():
            yield Statement(entity, graph.definitions[entity])


def parents(graph: KnowledgeGraph, names: Names) -> Iterator[Statement]:
    """Yield the verbalized hierarchical edges: ``is a arthritis``."""
    yield from _edges(graph, names, hierarchical=True)


def relations(graph: KnowledgeGraph, names: Names) -> Iterator[Statement]:
    """Yield the other verbalized edges: ``located in joint``."""
    yield from _edges(graph, names, hierarchical=False)


def identities(graph: KnowledgeGraph, names: Names) -> Iterator[Statement]:
    """Yield each name, to be paired with itself: a control in which only dropout differs."""
    for entity, known in enumerate(names):
        yield from (Statement(entity, name) for name in known)


def _edges(graph: KnowledgeGraph, names: Names, *, hierarchical: bool) -> Iterator[Statement]:
    for entity, known in enumerate(names):
        if known:
            for edge in _edges_of(graph, entity):
                if edge.hierarchical == hierarchical:
                    yield Statement(entity, edge.text)


class _Edge(NamedTuple):
    text: str
    hierarchical: bool


def _edges_of(graph: KnowledgeGraph, entity: int) -> Iterator[_Edge]:
    """Yield the outgoing edges of an entity in words."""
    for edge in range(*graph.edge_offsets[entity : entity + 2].tolist()):
        relation, tail = int(graph.relations[edge]), int(graph.tails[edge])
        if tail != entity:
            text = f"{graph.relation_names[relation]} {graph.name(tail)}"
            yield _Edge(text, graph.relation_ids[relation] in HIERARCHICAL)


#: The kind of pair for the control that learns nothing from the graph but its strings.
IDENTITY = "identity"

#: What a name is paired with, by kind. To add one, write a function and a line here.
PAIR_KINDS: dict[str, Callable[[KnowledgeGraph, Names], Iterator[Statement]]] = {
    "synonym": synonyms,
    "definition": definitions,
    "parent": parents,
    "relation": relations,
    IDENTITY: identities,
}

#: The kinds that are used by default.
DEFAULT_PAIRS = ("synonym", "definition", "parent", "relation")
