"""Augment training texts with the graph: replace mentions by other names, and hide entities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from kgbert.data import Example, Span
from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.encoded import EncodedText
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import is_hierarchical, parents
from kgbert.linking.mention import Linker, Mention
from kgbert.training.config import Regularization

#: Number of versions of the training texts; epochs read one after the other, then again.
VERSIONS = 5

#: Scopes of names that mean the same as the preferred name.
_SYNONYMS = ("preferred", "exact")


class Edit(NamedTuple):
    """A replaced mention."""

    start: int
    end: int
    text: str
    entity: str
    """The entity that the new text names."""


@dataclass(frozen=True)
class Augmenter:
    """Writes several versions of the training texts; the targets stay as they are."""

    graph: KnowledgeGraph
    linker: Linker
    chosen: Regularization
    seed: int

    def versions(self, examples: Sequence[Example]) -> list[list[Example]]:
        """Return the versions of examples; spans and arguments move with their words."""
        if not self.chosen.synonym_replacement and not self.chosen.sibling_replacement:
            return [list(examples)] * VERSIONS
        linked = self.linker([example.text for example in examples])
        return [
            [
                self._rewritten(example, mentions, np.random.default_rng([self.seed, version, i]))
                for i, (example, mentions) in enumerate(zip(examples, linked, strict=True))
            ]
            for version in range(VERSIONS)
        ]

    def hide_entities(self, text: EncodedText, version: int, number: int) -> EncodedText:
        """Return an encoded text without the links of some of its entities.

        Args:
            text: The text.
            version: The number of the version.
            number: The number of the text, which together with the version decides which entities.
        """
        if not self.chosen.entity_dropout:
            return text
        links, generator = text.links, np.random.default_rng([self.seed, version, number, 1])
        entities = links.ends.entities
        hidden = entities[generator.random(len(entities)) < self.chosen.entity_dropout]
        keep = ~np.isin(links.entities, hidden)
        kept = TokenEntityLinks(
            links.tokens[keep], links.entities[keep], links.scores[keep], links.unknown
        )
        # Mentions that no token has are evidence for labels.
        names = {self.graph.entity_ids[entity] for entity in hidden.tolist()}
        mentions = [
            mention._replace(
                candidates=tuple(x for x in mention.candidates if x.entity not in names)
            )
            for mention in text.mentions
        ]
        return replace(text, links=kept, mentions=mentions)

    def _rewritten(
        self, example: Example, mentions: Sequence[Mention], generator: Generator
    ) -> Example:
        edits = [
            edit
            for mention in _without_overlaps(mentions)
            if _is_movable(mention, example) and (edit := self._edit(mention, example, generator))
        ]
        return _with_edits(example, edits) if edits else example

    def _edit(self, mention: Mention, example: Example, generator: Generator) -> Edit | None:
        """Return the replacement of a mention; None if it stays."""
        draw, place = generator.random(), generator.random()
        index = self.graph.entity_ids.find(mention.candidates[0].entity)
        words = example.text[mention.start : mention.end]
        siblings, synonyms = self.chosen.sibling_replacement, self.chosen.synonym_replacement
        if index is None or draw >= siblings + synonyms:
            return None
        if draw < siblings:
            choices = [] if _is_inside_entity(mention, example) else self._siblings(index)
        else:
            choices = [(index, name) for name in self._synonyms(index, words)]
        if not choices:
            return None
        entity, name = choices[int(place * len(choices))]
        written = name[:1].upper() + name[1:] if words[:1].isupper() else name
        return Edit(mention.start, mention.end, written, self.graph.entity_ids[entity])

    def _synonyms(self, index: int, words: str) -> list[str]:
        """Return the other names of an entity, in the language of the words if that is known."""
        names = [x for x in self.graph.names_of(index) if x.scope in _SYNONYMS]
        languages = {x.language for x in names if x.text.casefold() == words.casefold()}
        return [
            x.text
            for x in names
            if x.text.casefold() != words.casefold() and (not languages or x.language in languages)
        ]

    def _siblings(self, index: int) -> list[tuple[int, str]]:
        """Return the other children of an entity's parents, with their names."""
        found = dict.fromkeys(
            child
            for parent in parents(self.graph, index)
            for child in self._children.get(parent, ())
            if child != index
        )
        return [(child, name) for child in found if (name := self.graph.name(child))]

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        edges = np.flatnonzero(is_hierarchical(self.graph))
        children: dict[int, list[int]] = {}
        for head, tail in zip(self.graph.heads[edges], self.graph.tails[edges], strict=True):
            children.setdefault(int(tail), []).append(int(head))
        return children


def _without_overlaps(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the mentions with a candidate that overlap no longer one, in reading order."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda x: (x.start - x.end, x.start)):
        if mention.candidates and all(
            mention.end <= x.start or x.end <= mention.start for x in kept
        ):
            kept.append(mention)
    return sorted(kept, key=lambda x: x.start)


def _is_movable(mention: Mention, example: Example) -> bool:
    """Return whether no span, argument or end of the annotated text lies inside a mention."""
    if example.annotated_length is not None and mention.end > example.annotated_length:
        return False
    return all(
        mention.end <= span.start
        or span.end <= mention.start
        or (span.start <= mention.start and mention.end <= span.end)
        for span in (*example.spans, *example.arguments)
    )


def _is_inside_entity(mention: Mention, example: Example) -> bool:
    """Return whether a mention is a part of a longer span with an entity of its own."""
    return any(
        span.entity
        and span.start <= mention.start
        and mention.end <= span.end
        and (span.start, span.end) != (mention.start, mention.end)
        for span in example.spans
    )


def _with_edits(example: Example, edits: Sequence[Edit]) -> Example:
    text, length = "".join(_pieces(example.text, edits)), example.annotated_length
    entities = {(edit.start, edit.end): edit.entity for edit in edits}

    def moved(span: Span) -> Span:
        entity = entities.get((span.start, span.end), span.entity) if span.entity else ""
        start, end = (_moved(place, edits) for place in (span.start, span.end))
        return replace(span, start=start, end=end, entity=entity)

    return replace(
        example,
        text=text,
        spans=tuple(map(moved, example.spans)),
        arguments=tuple(map(moved, example.arguments)),
        annotated_length=None if length is None else _moved(length, edits),
    )


def _pieces(text: str, edits: Sequence[Edit]) -> Iterator[str]:
    last = 0
    for edit in edits:
        yield text[last : edit.start]
        yield edit.text
        last = edit.end
    yield text[last:]


def _moved(place: int, edits: Sequence[Edit]) -> int:
    """Return where a place of the text is after the edits before it."""
    return place + sum(len(x.text) - (x.end - x.start) for x in edits if x.end <= place)
