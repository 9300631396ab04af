"""Align annotated spans with the linker's mentions and candidates."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kgbert.data import Example, Span
from kgbert.encoding.alignment import tokens_of
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention
from kgbert.tasks.base import IGNORED
from kgbert.tasks.metrics import NIL, UNANNOTATED
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from kgbert.encoding.candidates import CandidateSet
    from kgbert.encoding.encoded import EncodedText


def gold_span(mention: Mention, example: Example) -> Span | None:
    """Return the annotated span with the largest overlap with a mention, or None."""
    shared = [
        (min(span.end, mention.end) - max(span.start, mention.start), span)
        for span in example.spans
        if span.entity
    ]
    found = max(shared, key=lambda each: each[0], default=None)
    return found[1] if found and found[0] > 0 else None


def gold_choices(example: Example, encoded: "EncodedText") -> list[int]:
    """Return the correct choice for each mention: 0 for NIL, else the candidate from 1.

    The choice is ``IGNORED`` for a mention without annotation.
    """
    return [
        IGNORED if span is None else _place(span.entity, choice)
        for span, choice in zip(
            (gold_span(mention, example) for mention in encoded.mentions),
            encoded.candidate_sets,
            strict=True,
        )
    ]


def _place(entity: str, choice: "CandidateSet") -> int:
    return choice.ids.index(entity) + 1 if entity in choice.ids else 0


def gold_entities(example: Example, encoded: "EncodedText", graph: KnowledgeGraph) -> list[str]:
    """Return the gold answer of each mention, followed by that of each missed span.

    An entity outside the graph is NIL.
    """
    spans = [gold_span(mention, example) for mention in encoded.mentions]
    missed = [
        span
        for span in example.spans
        if span.entity
        and not any(span.start < x.end and x.start < span.end for x in encoded.mentions)
    ]
    return [
        UNANNOTATED if span is None else span.entity if span.entity in graph else NIL
        for span in (*spans, *missed)
    ]


def gold_links(example: Example, encoded: "EncodedText", graph: KnowledgeGraph) -> list[int]:
    """Return 1 for each link to a gold entity, 0 for others, IGNORED without annotation.

    Where mentions overlap, the gold entity of any of them counts.
    """
    right: dict[int, set[int | None]] = {}
    for mention in encoded.mentions:
        if span := gold_span(mention, example):
            for token in tokens_of(mention, encoded.offsets):
                right.setdefault(token, set()).add(graph.entity_ids.find(span.entity))
    links = encoded.links
    return [
        int(entity in right[token]) if token in right else IGNORED
        for token, entity in zip(links.tokens.tolist(), links.entities.tolist(), strict=True)
    ]


def check_gold(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise DataError where no span of a part has an entity."""
    for part, examples in parts.items():
        if examples and not any(span.entity for x in examples for span in x.spans):
            raise DataError(
                f"{part}: no span of the {len(examples):,} texts names its entity, so no choice "
                'can be learnt or scored; write spans as {"start": 0, "end": 5, "label": "Sign", '
                '"entity": "HP:0001945"} in JSON Lines',
                code="no-gold-entities",
            )
