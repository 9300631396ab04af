"""Describe the words of a mention by the entities that edges lead to from there."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np

from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText, TextPaths
from kgbert.encoding.paths.features import FEWEST_TEXTS, FoundPath, PathFeatures
from kgbert.encoding.paths.finder import SAME
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
        for mention, token, place in _words(text):
            types = self._types[place]
            for entity, value in self._reached(mention).items():
                if (kind := types.get(entity)) is not None:
                    values[token, kind] = max(value, values.get((token, kind), 0.0))
        tokens, kinds = np.array(list(values), np.int64).reshape(-1, 2).T
        return TextPaths(tokens, kinds, np.array(list(values.values()), np.float32))

    def cells(self, paths: TextPaths, row: int, width: int, shift: int) -> np.ndarray:
        """Return where the types of a text are counted in a batch: at its tokens."""
        return row * width + shift + paths.targets

    def example_path(self, text: EncodedText, target: int, kind: int) -> FoundPath:
        """Return a path from the entity of a mention to the entity of a type.

        Args:
            text: The text.
            target: A token that begins a word of the mention.
            kind: The position of the type.
        """
        (reached,) = (x for types in self._types for x, own in types.items() if own == kind)
        found = [
            (value, mention)
            for mention, token, place in _words(text)
            if token == target and self._types[place].get(reached) == kind
            if (value := self._reached(mention).get(reached, 0.0))
        ]
        _, mention = max(found, key=lambda each: each[0])
        graph = self.finder.graph
        sources = [graph.index(x.entity) for x in mention.candidates if x.entity in graph]
        if reached == ANY or reached in sources:
            return FoundPath((sources[0] if reached == ANY else reached,), SAME)
        paths = self.finder.find(sources, self.finder.index([reached]))
        row = int(self.finder.lengths(paths.types).argmin())
        between = [int(x) for x in paths.stations[row] if x >= 0]
        name = self.finder.name(int(paths.types[row]))
        return FoundPath((sources[int(paths.sources[row])], *between, reached), name)

    @cached_property
    def _types(self) -> tuple[dict[int, int], ...]:
        """The position of the type of each entity, by the place of a word."""
        find = self.finder.graph.entity_ids.find
        found: tuple[dict[int, int], ...] = ({}, {})
        for position, name in enumerate(self.types):
            place = next(x for x in PLACES if name.startswith(x))
            entity = name.removeprefix(f"{place} ")
            index = ANY if entity == ANY_NAME else find(entity)
            if index is not None:
                found[PLACES.index(place)][index] = position
        return found

    def _reached(self, mention: Mention) -> dict[int, float]:
        """Return the entities that are reached from a mention, with their values."""
        graph, values = self.finder.graph, dict[int, float]()
        for candidate in mention.candidates:
            if candidate.entity in graph:
                for entity in (ANY, *self.finder.reached(graph.index(candidate.entity))):
                    values[entity] = values.get(entity, 0.0) + candidate.score
        return {entity: min(1.0, value) for entity, value in values.items()}


def _words(text: EncodedText) -> Iterator[tuple[Mention, int, int]]:
    """Yield each word of each mention: the mention, the word's first token, and its place."""
    first = {word: token for token, word in reversed(list(enumerate(text.word_ids)))}
    for mention in text.mentions:
        words = dict.fromkeys(text.word_ids[token] for token in tokens_of(mention, text.offsets))
        for number, word in enumerate(words):
            if word is not None:
                yield mention, first[word], min(number, 1)
