"""Describe the words of a mention by the entities that edges lead to from there."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText, TextPaths
from kgbert.encoding.paths.features import FEWEST_TEXTS, FoundPath, PathFeatures
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.linking.mention import Mention

#: The places of a word in a mention. Its tag depends on the place, so that each has weights.
PLACES = ("first word of", "further word of")

#: Stands for all entities in the name of a type, and for their index.
ANY_NAME, ANY = "any entity", -1

#: Largest number of types with a weight.
MOST_TYPES = 512


@dataclass(frozen=True)
class MentionFeatures(PathFeatures):
    """Counts, for each word of a mention, the entities that a few steps lead to from its entity.

    Among them are the entity itself and all that is above it in a hierarchy: a word may be the
    first of a mention of *a kind of disease*. The types are named ``first word of ID`` and
    ``further word of ID``; ``any entity`` instead of an id stands for every mention. The value of
    a type is the sum of the scores of the candidates from which its entity is reached, at most 1.
    """

    def with_types_of(self, texts: Iterable[EncodedText], examples: int) -> "MentionFeatures":
        """Return the features with the entities that are reached in most training texts.

        Args:
            texts: The encoded texts.
            examples: Number of training examples, which does not limit these types.
        """
        counts = Counter[int]()
        for text in texts:
            counts.update(set(chain.from_iterable(map(self._reached, text.mentions))) - {ANY})
        frequent = [entity for entity, count in counts.most_common() if count >= FEWEST_TEXTS]
        ids = self.finder.graph.entity_ids
        names = [ANY_NAME, *(ids[entity] for entity in frequent)][: MOST_TYPES // len(PLACES)]
        return replace(self, types=tuple(f"{x} {name}" for name in names for x in PLACES))

    def count(self, text: EncodedText) -> TextPaths:
        """Return the types of each token that begins a word of a mention."""
        values: dict[tuple[int, int], float] = {}
        for mention, words in _words(text):
            reached = self._reached(mention)
            for token, place in words:
                for entity in self._types[place].keys() & reached:
                    cell = token, self._types[place][entity]
                    values[cell] = max(reached[entity], values.get(cell, 0.0))
        cells = sorted(values)
        tokens, kinds = np.array(cells, np.int64).reshape(-1, 2).T
        return TextPaths(tokens, kinds, np.array([values[x] for x in cells], np.float32))

    def cells(self, paths: TextPaths, row: int, width: int, shift: int) -> NDArray[np.int64]:
        """Return where the types of a text are counted in a batch: at its tokens."""
        return row * width + shift + paths.targets

    def example_path(self, text: EncodedText, target: int, kind: int) -> FoundPath:
        """Return a path from the entity of a mention to the entity of a type.

        Args:
            text: The text.
            target: A token that begins a word of the mention.
            kind: The position of the type.
        """
        (end,) = (x for types in self._types for x, own in types.items() if own == kind)
        graph = self.finder.graph
        sources = [
            (candidate.score, graph.index(candidate.entity))
            for mention, words in _words(text)
            for token, place in words
            if token == target and self._types[place].get(end) == kind
            for candidate in mention.candidates
            if candidate.entity in graph
        ]
        reaching = [x for x in sources if end == ANY or end in self.finder.reached(x[1])]
        _, source = max(reaching, key=lambda each: each[0])
        return FoundPath(*self.finder.path_to(source, source if end == ANY else end))

    @cached_property
    def missing(self) -> list[str]:
        """The ids of types that are no entities of the graph."""
        first, known = PLACES[0], set(self._types[0].values())
        return [
            name.removeprefix(f"{first} ")
            for position, name in enumerate(self.types)
            if name.startswith(first) and position not in known
        ]

    @cached_property
    def _types(self) -> tuple[dict[int, int], ...]:
        """The position of the type of each entity, by the place of a word."""
        graph = self.finder.graph
        ids = EntityIdIndex(graph)
        found: tuple[dict[int, int], ...] = ({}, {})
        for position, name in enumerate(self.types):
            place = next(x for x in PLACES if name.startswith(x))
            entity = name.removeprefix(f"{place} ")
            if entity == ANY_NAME:
                found[PLACES.index(place)][ANY] = position
            elif known := ids.find(entity):
                found[PLACES.index(place)][graph.index(known)] = position
        return found

    def _reached(self, mention: Mention) -> dict[int, float]:
        """Return the entities that are reached from a mention, with their values."""
        graph, values = self.finder.graph, dict[int, float]()
        for candidate in mention.candidates:
            if candidate.entity in graph:
                for entity in (ANY, *self.finder.reached(graph.index(candidate.entity))):
                    values[entity] = values.get(entity, 0.0) + candidate.score
        return {entity: min(1.0, value) for entity, value in values.items()}


def _words(text: EncodedText) -> Iterator[tuple[Mention, list[tuple[int, int]]]]:
    """Yield each mention with the first token and the place of each of its words."""
    first: dict[int, int] = {}
    for token, (word, (start, end)) in enumerate(zip(text.word_ids, text.offsets, strict=True)):
        # Some tokenizers make the blank before a word a token, which is not tagged.
        if word is not None and text.text[start:end].strip():
            first.setdefault(word, token)
    for mention in text.mentions:
        words = dict.fromkeys(text.word_ids[token] for token in tokens_of(mention, text.offsets))
        tokens = [first[word] for word in words if word in first]
        yield mention, [(token, min(number, 1)) for number, token in enumerate(tokens)]
