"""Arms that change which entities the mentions are linked to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kgbert.comparison.arms.arm import RunInputs
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.utils.errors import KGBertError

#: Share of the mentions that the noisy arm links to entities drawn at random.
NOISE = 0.3


def shuffle_entities(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with every mention linked to other entities, and the labels as well."""
    return replace(
        inputs,
        linker=ShuffledLinker(inputs.linker, inputs.graph, seed),
        grounding=inputs.grounding and inputs.grounding.permuted(seed),
    )


def add_noise(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with some mentions linked to entities drawn at random."""
    return replace(inputs, linker=NoisyLinker(inputs.linker, inputs.graph, seed))


def use_gold_links(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with the annotated mentions and entities of the texts.

    Raises:
        KGBertError: No span of the texts names an entity of the graph.
    """
    from kgbert.linking.adapters import from_gold

    spans = {
        example.text: [
            (span.start, span.end, span.entity)
            for span in example.spans
            if span.entity in inputs.graph
        ]
        for part in inputs.parts
        for example in part
    }
    if not any(spans.values()):
        known = {span.entity for part in inputs.parts for x in part for span in x.spans} - {""}
        raise KGBertError(
            f"the arm 'oracle-links' needs texts whose spans name entities of the graph; these "
            f"name {len(known):,} ids, none of them in {inputs.graph.source or 'the graph'}"
            f"{f' (for example {min(known)})' if known else ''}. Give the ids in the texts "
            "(JSON lines: spans with 'entity'), or leave the arm out.",
            code="no-gold-links",
        )
    return replace(inputs, linker=from_gold(spans))


@dataclass(frozen=True)
class ShuffledLinker:
    """Links every mention to other entities, by one fixed permutation per seed."""

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


@dataclass(frozen=True)
class NoisyLinker:
    """Links a share of the mentions to random entities; the same text always gets the same ones."""

    linker: Linker
    graph: KnowledgeGraph
    seed: int

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions, some of them with other candidates; scores and counts are kept."""
        return [
            self._noisy(text, found) for text, found in zip(texts, self.linker(texts), strict=True)
        ]

    def _noisy(self, text: str, found: Sequence[Mention]) -> list[Mention]:
        # Independent of earlier calls: training, test and report need the same links of a text.
        digest = hashlib.sha256(text.encode()).digest()
        generator = np.random.default_rng([self.seed, int.from_bytes(digest[:8])])
        return [
            mention._replace(candidates=tuple(map(self._any(generator), mention.candidates)))
            if generator.random() < NOISE
            else mention
            for mention in found
        ]

    def _any(self, generator: np.random.Generator) -> Any:
        ids = self.graph.entity_ids
        return lambda candidate: candidate._replace(entity=ids[int(generator.integers(len(ids)))])


@dataclass(frozen=True)
class OneEntityLinker:
    """Links every mention of the graph to the same entity, with the scores of its candidates."""

    linker: Linker
    graph: KnowledgeGraph

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions, each with one candidate."""
        return [[self._linked(mention) for mention in found] for found in self.linker(texts)]

    def _linked(self, mention: Mention) -> Mention:
        scores = [x.score for x in mention.candidates if x.entity in self.graph]
        if not scores:
            return mention
        one = Candidate(self.graph.entity_ids[0], min(1.0, sum(scores)))
        return mention._replace(candidates=(one,))


@dataclass(frozen=True)
class ConstantLinker:
    """Links every text as a whole to the same entity."""

    entity: str

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return one mention per text, which covers the whole text."""
        return [[Mention(0, len(text), (Candidate(self.entity, 1.0),))] for text in texts]
