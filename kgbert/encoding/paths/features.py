"""Count the types of path from the entities of a text to labels, choices or another text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.collation import FIRST, SECOND, numbers_of_texts
from kgbert.encoding.encoded import EncodedText, TextPaths
from kgbert.encoding.paths.finder import SAME, PathFinder, Paths, TargetIndex
from kgbert.utils.errors import KGBertError

#: Types of path by length alone, in the order of the lengths.
COUNTS = (SAME, "any 1 step", "any 2 steps", "any 3 steps")

#: Training examples for each type of path with a weight. With more types, scores of held-out
#: questions of CommonsenseQA fell while those of the training questions rose.
EXAMPLES_PER_TYPE = 10

#: Smallest and largest limit of the number of types of path with a weight.
TYPE_LIMITS = (16, 512)

#: Fewest training texts in which a type of path occurs.
FEWEST_TEXTS = 3


class _Ends(NamedTuple):
    """The entities at the ends of the paths of a text, and their scores."""

    sources: NDArray[np.int64]
    source_scores: NDArray[np.float32]
    target_index: TargetIndex
    target_scores: NDArray[np.float32]
    """One for each entity of the index."""
    columns: NDArray[np.int64]
    """Where the paths to each entity of the index are counted."""


class FoundPath(NamedTuple):
    """One path of a type, as entity indices from a mention to the target."""

    entities: tuple[int, ...]
    type: str
    """Name of the type, also if the path is counted by its length."""


@dataclass(frozen=True)
class PathFeatures:
    """Counts paths from the entities of a text by type, once a text.

    ``f_t = log(1 + sum of the scores of both ends over all paths of type t)``. The types ``any n
    steps`` count all paths of a length, so that rare types count as well.
    """

    finder: PathFinder
    ends: str
    """A name in :data:`ENDS`."""
    types: tuple[str, ...]
    """The types of path that have a weight."""
    labels: tuple[str, ...] = ()
    """The entity id of each label, empty for a label without entity; for ``labels`` only."""

    @property
    def settings(self) -> dict[str, Any]:
        """What :func:`kgbert.encoding.paths.kinds.from_settings` makes the same features of."""
        finder = self.finder
        return {
            "steps": finder.steps,
            "max_fan_out": finder.max_fan_out,
            "relation_names": list(finder.relation_names),
            "ends": self.ends,
            "types": list(self.types),
            "labels": list(self.labels),
        }

    def with_types_of(self, texts: Iterable[EncodedText], examples: int) -> "PathFeatures":
        """Return the features with the most frequent types of path of training texts.

        Args:
            texts: The encoded texts.
            examples: Number of training examples, which limits the number of types.
        """
        counts = Counter[int]()
        for text in texts:
            found = self._paths(self._ends_of(text))
            counts.update(set(found.types.tolist()))
        frequent = [code for code, count in counts.most_common() if count >= FEWEST_TEXTS]
        lengths = COUNTS[: self.finder.steps + 1]
        names = (self.finder.name(code) for code in frequent)
        types = dict.fromkeys([*lengths, *names])
        fewest, most = TYPE_LIMITS
        limit = min(max(examples // EXAMPLES_PER_TYPE, fewest), most)
        return replace(self, types=tuple(types)[:limit])

    def count(self, text: EncodedText) -> TextPaths:
        """Return the paths of a text."""
        ends = self._ends_of(text)
        found = self._paths(ends)
        scores = ends.source_scores[found.sources] * ends.target_scores[found.targets]
        columns = ends.columns[found.targets]
        keys, weights = [], []
        for types in self._type_positions(found):
            known = types >= 0
            keys.append(columns[known] * len(self.types) + types[known])
            weights.append(scores[known])
        distinct, places = np.unique(np.concatenate(keys), return_inverse=True)
        sums = np.bincount(places, np.concatenate(weights), len(distinct))
        return TextPaths(
            distinct // len(self.types),
            distinct % len(self.types),
            np.log1p(sums).astype(np.float32),
        )

    def arrays(
        self, texts: Sequence[EncodedText], width: int, shifts: Sequence[int]
    ) -> dict[str, NDArray[Any]]:
        """Return the paths of a batch as the arguments of a fused model.

        Args:
            texts: The texts.
            width: Number of tokens of each row of the batch.
            shifts: Number of padding tokens before each text.

        Raises:
            KGBertError: The paths of a text were not counted.
        """
        counted = [text.paths for text in texts]
        if any(paths is None for paths in counted):
            raise KGBertError(
                "a text was encoded before processor.use_paths, so that its paths were not "
                "counted. Encode it again.",
                code="paths-not-counted",
            )
        parts = [paths for paths in counted if paths is not None]
        cells = [
            self.cells(paths, row, width, shift)
            for row, (paths, shift) in enumerate(zip(parts, shifts, strict=True))
        ]
        return {
            "path_cells": np.concatenate(cells),
            "path_types": np.concatenate([x.types for x in parts]),
            "path_values": np.concatenate([x.values for x in parts]),
        }

    def cells(self, paths: TextPaths, row: int, width: int, shift: int) -> NDArray[np.int64]:
        """Return where the paths of a text are counted in a batch.

        Args:
            paths: The paths of the text.
            row: Its position in the batch.
            width: Number of tokens of each row.
            shift: Number of padding tokens before the text.
        """
        return row * max(1, len(self.labels)) + paths.targets

    def update(self, text: EncodedText) -> EncodedText:
        """Return a text with the paths of its current links."""
        return replace(text, paths=self.count(text))

    def example_path(self, text: EncodedText, target: int, kind: int) -> FoundPath:
        """Return a path that is counted, between the most certain entities.

        Args:
            text: The text.
            target: Where the path leads, as in :attr:`TextPaths.targets`.
            kind: The position of its type.
        """
        ends = self._ends_of(text)
        found = self._paths(ends)
        of_type = np.any([types == kind for types in self._type_positions(found)], axis=0)
        (rows,) = np.nonzero(of_type & (ends.columns[found.targets] == target))
        scores = ends.source_scores[found.sources] * ends.target_scores[found.targets]
        row = rows[scores[rows].argmax()]
        source = int(ends.sources[found.sources[row]])
        between = [int(x) for x in found.stations[row] if x >= 0]
        end = int(ends.target_index.entities[found.targets[row]])
        code = int(found.types[row])
        return FoundPath((source, *between, *([end] if code else [])), self.finder.name(code))

    def _paths(self, ends: _Ends) -> Paths:
        return self.finder.find(ends.sources.tolist(), ends.target_index)

    def _type_positions(self, found: Paths) -> Iterator[NDArray[np.int64]]:
        """Yield the position of the type of each path, -1 without any, and that of its length."""
        codes, places = self._sorted_types
        slots = np.searchsorted(codes, found.types).clip(max=len(codes) - 1)
        yield np.where(codes[slots] == found.types, places[slots], -1)
        lengths = self.finder.lengths(found.types)
        by_length = [self.types.index(x) if x in self.types else -1 for x in COUNTS]
        # The path of no steps is a type of its own.
        by_length[0] = -1
        yield np.array(by_length, np.int64)[lengths]

    @cached_property
    def _sorted_types(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The codes of the types that the graph has, sorted, and their positions."""
        known = sorted(
            (code, place)
            for place, name in enumerate(self.types)
            if (code := self.finder.code(name)) is not None
        )
        codes, places = np.array(known or [(-1, -1)], np.int64).T
        return codes, places

    def _ends_of(self, text: EncodedText) -> _Ends:
        return ENDS[self.ends](self, text)

    @cached_property
    def _label_index(self) -> TargetIndex:
        find = self.finder.graph.entity_ids.find
        found = [find(entity) if entity else None for entity in self.labels]
        return self.finder.index(-1 if x is None else x for x in found)

    def _label_ends(self, text: EncodedText) -> _Ends:
        """Return all entities of a text, and the labels."""
        count, links = len(self.labels), text.links
        # What is mentioned after the last token that the encoder reads is evidence as well.
        graph = self.finder.graph
        unread = [
            (graph.index(candidate.entity), candidate.score)
            for mention in text.mentions
            if not tokens_of(mention, text.offsets)
            for candidate in mention.candidates
            if candidate.entity in graph
        ]
        entities, scores = np.array(unread).reshape(-1, 2).T
        return _Ends(
            *_distinct(
                np.concatenate([links.entities, entities.astype(np.int64)]),
                np.concatenate([links.scores, scores]),
            ),
            self._label_index,
            np.ones(count, np.float32),
            np.arange(count),
        )

    def _second_text_ends(self, text: EncodedText) -> _Ends:
        """Return the entities of the first and of the second text of a pair."""
        # The token that the head reads has the links of the whole text, and belongs to none.
        numbers = numbers_of_texts(text)[text.links.tokens]
        return self._between(text, numbers == FIRST, numbers == SECOND)

    def _argument_ends(self, text: EncodedText) -> _Ends:
        """Return the entities of both arguments of a relation, to which their markers link."""
        head, tail = (text.links.tokens == mark for mark in text.marks)
        return self._between(text, head, tail)

    def _between(
        self, text: EncodedText, first: NDArray[np.bool_], second: NDArray[np.bool_]
    ) -> _Ends:
        sources, source_scores = _entities(text, first)
        targets, target_scores = _entities(text, second)
        index = self.finder.index(targets.tolist())
        columns = np.zeros(len(targets), np.int64)
        return _Ends(sources, source_scores, index, target_scores, columns)


def _entities(
    text: EncodedText, links: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the distinct entities of some links, and the highest score of each."""
    return _distinct(text.links.entities[links], text.links.scores[links])


def _distinct(
    entities: NDArray[np.int64], scores: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return entities each once, and the highest score of each."""
    distinct, places = np.unique(entities, return_inverse=True)
    highest = np.zeros(len(distinct), np.float32)
    np.maximum.at(highest, places, scores)
    return distinct, highest


#: The ends of the paths by what the answers of a task are: labels with entities, choices that are
#: read after the question, relations between two arguments, or an answer about two texts.
ENDS = {
    "labels": PathFeatures._label_ends,
    "choices": PathFeatures._second_text_ends,
    "arguments": PathFeatures._argument_ends,
    "texts": PathFeatures._second_text_ends,
}

#: What the paths of a model say something about, where each answer has weights of its own.
ENDS_OF_ANSWERS = ("arguments", "texts", "words")
