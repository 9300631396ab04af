"""The arms of a comparison: plain, knowledge, controls and rivals, all on one code path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.verbalise import verbalise
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.texts import Example

#: What an arm does to the linker: called with it, the graph and the seed.
Relink = Callable[[Linker, KnowledgeGraph, int], Linker]

#: What an arm does to the texts: called with the linker, the graph and the examples.
Rewrite = Callable[[Linker, KnowledgeGraph, Sequence[Example]], list[Example]]


@dataclass(frozen=True)
class Arm:
    """One way to treat the task; whatever an arm does not change, it shares with all others."""

    name: str
    meaning: str
    """One line for the report."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the model's configuration."""
    relink: Relink = lambda linker, graph, seed: linker
    rewrite: Rewrite = lambda linker, graph, examples: list(examples)


@dataclass(frozen=True)
class ShuffledLinker:
    """Links every mention to other entities, by one fixed permutation a seed."""

    linker: Linker
    graph: KnowledgeGraph
    seed: int

    @cached_property
    def _permutation(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.random.default_rng([self.seed, 0x5AFF1E]).permutation(len(self.graph))

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions with their candidates permuted, scores and counts kept."""
        return [
            [
                mention._replace(candidates=tuple(map(self._other, mention.candidates)))
                for mention in found
            ]
            for found in self.linker(texts)
        ]

    def _other(self, candidate: Candidate) -> Candidate:
        index = self.graph.entity_ids.find(candidate.entity)
        if index is None:
            return candidate
        return candidate._replace(entity=self.graph.entity_ids[int(self._permutation[index])])


def append_entities(
    linker: Linker, graph: KnowledgeGraph, examples: Sequence[Example]
) -> list[Example]:
    """Return texts that end in words with what the graph says of their entities.

    Each mention's best candidate is told once, as "X is PARENT, PARENT, GRANDPARENT; ...": all
    that the features are made from would cost six times the plain model instead of three.
    """
    texts = [example.text for example in examples]
    return [
        replace(example, text=". ".join([example.text, *_told(mentions, graph)]))
        for example, mentions in zip(examples, linker(texts), strict=True)
    ]


def _told(mentions: Sequence[Mention], graph: KnowledgeGraph) -> list[str]:
    best = dict.fromkeys(mention.candidates[0].entity for mention in mentions if mention.candidates)
    indices = (graph.entity_ids.find(entity) for entity in best)
    return [
        verbalise(graph, index, synonyms=0, ancestry=4, facts=2, definition=0)
        for index in indices
        if index is not None
    ]


#: The arms by name. To add one, write what it changes and a line here.
ARMS = {
    arm.name: arm
    for arm in (
        Arm("plain", "the same model without the injection", {"injected_layers": []}),
        Arm("knowledge", "reads the graph"),
        Arm(
            "shuffled",
            "reads the same graph with the entities permuted: right amount, wrong knowledge",
            relink=ShuffledLinker,
        ),
        Arm(
            "no edges",
            "reads each entity's features, not its neighbours",
            {"graph_encoder": "none"},
        ),
        Arm(
            "appended text",
            "the plain model, with what the graph says of each mention appended to the text",
            {"injected_layers": []},
            rewrite=append_entities,
        ),
    )
}
