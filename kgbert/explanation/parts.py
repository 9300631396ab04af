"""The parts of an input that an explanation attributes an answer to, and their removal."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

import numpy as np

from kgbert.encoding.alignment import tokens_of
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.neighbor_sampling import SampledSubgraph
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention
from kgbert.tasks.base import EncodedExample


@dataclass(frozen=True, slots=True, order=True)
class WordPart:
    """The tokens of a word; without them, they are masked, and the links stay."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class MentionPart:
    """All links of a mention."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class EntityPart:
    """The links of a mention to one of its candidates."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True, order=True)
class EdgePart:
    """An edge of the sampled neighbourhood, by entity and relation indices, in both directions."""

    head: int
    relation: int
    tail: int


@dataclass(frozen=True, slots=True, order=True)
class PathPart:
    """All paths of a type that lead to one target."""

    text: int
    """The place of the text among those of the example."""
    target: int
    kind: int
    """Both as in :class:`kgbert.encoding.encoded.TextPaths`."""


@dataclass(frozen=True, slots=True, order=True)
class LabelPart:
    """A text that the graph has for a label, by its places in the label sets.

    The tags of a class (``B-Disease`` and ``I-Disease``) have the same texts, each in its place.
    """

    places: tuple[int, ...]


Part = WordPart | MentionPart | EntityPart | EdgePart | PathPart | LabelPart

#: The kinds of parts by name.
WORDS, MENTIONS, ENTITIES, EDGES, PATHS, LABELS = KINDS = (
    "words",
    "mentions",
    "entities",
    "edges",
    "paths",
    "labels",
)

#: Largest number of edges of a text that are explained or removed.
MAX_EDGES = 32

P = TypeVar("P", bound=Part)


def words_of(encoded: EncodedExample) -> list[WordPart]:
    """Return the words of an example that the tokenizer did not truncate, in reading order."""
    return sorted({word for text in encoded.texts for word in word_tokens(text)})


def word_tokens(text: EncodedText) -> dict[WordPart, list[int]]:
    """Return the tokens of each word of a text."""
    tokens: dict[int, list[int]] = {}
    spans: dict[int, tuple[int, int]] = {}
    for token, (word, (start, end)) in enumerate(zip(text.word_ids, text.offsets, strict=True)):
        # Some tokenizers include the blank before a word in its first token.
        start += len(text.text[start:end]) - len(text.text[start:end].lstrip())
        if word is not None and start < end:
            tokens.setdefault(word, []).append(token)
            spans[word] = spans.get(word, (start, end))[0], end
    return {WordPart(*spans[word]): places for word, places in tokens.items()}


def linked_mentions(encoded: EncodedExample, graph: KnowledgeGraph) -> list[Mention]:
    """Return the mentions with links, each with its candidates in the graph, in reading order.

    A mention of a question that is read with each of its choices is one mention.
    """
    mentions: dict[tuple[int, int], Mention] = {}
    for text in encoded.texts:
        for mention in text.mentions:
            known = tuple(
                x for x in mention.candidates if graph.entity_ids.find(x.entity) is not None
            )
            if known and tokens_of(mention, text.offsets):
                mentions.setdefault(mention[:2], mention._replace(candidates=known))
    return [mentions[place] for place in sorted(mentions)]


def entities_of(mentions: Sequence[Mention]) -> list[EntityPart]:
    """Return the candidates of mentions, in their order."""
    return [
        EntityPart(mention.start, mention.end, candidate.entity)
        for mention in mentions
        for candidate in mention.candidates
    ]


def edges_of(entities: Collection[int], processor: KGBertProcessor) -> dict[int, list[EdgePart]]:
    """Return the sampled edges from and to each entity, sorted."""
    linked = np.unique(np.array(sorted(entities), np.int64))
    sampled = processor.sampler.sample(linked)
    found: dict[int, set[EdgePart]] = {entity: set() for entity in linked.tolist()}
    receivers = sampled.nodes[sampled.edge_index[1]].tolist()
    for entity, edge in zip(receivers, triples(sampled, processor.graph), strict=True):
        if entity in found:
            found[entity].add(edge)
    return {entity: sorted(edges) for entity, edges in found.items()}


def triples(sampled: SampledSubgraph, graph: KnowledgeGraph) -> Iterator[EdgePart]:
    """Yield the edge of the graph that each sampled edge is, in either direction."""
    relations = len(graph.relation_ids)
    senders, receivers = sampled.nodes[sampled.edge_index].tolist()
    for sender, receiver, kind in zip(
        senders, receivers, sampled.graph_types.tolist(), strict=True
    ):
        # A head receives from the tails of its edges, a tail from the heads by the inverse.
        if kind < relations:
            yield EdgePart(receiver, kind, sender)
        else:
            yield EdgePart(sender, kind - relations, receiver)


def chosen(removed: Collection[Part], kind: type[P]) -> set[P]:
    """Return the removed parts of one kind."""
    return {part for part in removed if isinstance(part, kind)}


def without(
    encoded: EncodedExample, removed: Collection[Part], processor: KGBertProcessor
) -> EncodedExample:
    """Return an example without words, mentions, entities and paths.

    Edges and texts of labels belong to its batch.
    """
    paths = chosen(removed, PathPart)
    places, units = count(), []
    for unit in encoded.units:
        texts = []
        for text in unit:
            place = next(places)
            own = {(x.target, x.kind) for x in paths if x.text == place}
            texts.append(_without_paths(_text_without(text, encoded, removed, processor), own))
        units.append(tuple(texts))
    return replace(encoded, units=tuple(units))


def _without_paths(text: EncodedText, removed: Collection[tuple[int, int]]) -> EncodedText:
    if not removed or text.paths is None:
        return text
    pairs = zip(text.paths.targets.tolist(), text.paths.types.tolist(), strict=True)
    kept = np.array([pair not in removed for pair in pairs], np.bool_)
    found = text.paths
    paths = replace(
        found, targets=found.targets[kept], types=found.types[kept], values=found.values[kept]
    )
    return replace(text, paths=paths)


def _text_without(
    text: EncodedText,
    encoded: EncodedExample,
    removed: Collection[Part],
    processor: KGBertProcessor,
) -> EncodedText:
    mentions, entities = chosen(removed, MentionPart), chosen(removed, EntityPart)
    if mentions or entities:
        kept = [
            mention._replace(
                candidates=tuple(
                    x
                    for x in mention.candidates
                    if EntityPart(*mention[:2], x.entity) not in entities
                )
            )
            for mention in text.mentions
            if MentionPart(*mention[:2]) not in mentions
        ]
        text = processor.text_encoder.with_mentions(text, kept, encoded.example.arguments)
    words = chosen(removed, WordPart)
    return _masked(text, words, processor) if words else text


def _masked(text: EncodedText, words: set[WordPart], processor: KGBertProcessor) -> EncodedText:
    """Return a text with masked words; tokens are hidden if the tokenizer has no mask token."""
    places = [
        token for word, tokens in word_tokens(text).items() if word in words for token in tokens
    ]
    name, value = "input_ids", processor.tokenizer.mask_token_id
    if value is None:
        name, value = "attention_mask", 0
    column = list(text.tokens[name])
    for place in places:
        column[place] = value
    # The spelling of labels is compared with the characters of the text.
    letters = list(text.text)
    for word in words:
        letters[word.start : word.end] = " " * (word.end - word.start)
    return replace(text, text="".join(letters), tokens={**text.tokens, name: column})
