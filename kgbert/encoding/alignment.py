"""Align mentions with tokens: from character offsets to token-entity links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Span
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Candidate, Mention
from kgbert.utils.errors import KGBertError

#: Start and exclusive end of each token in the text; (0, 0) for tokens without characters.
Offsets = Sequence[tuple[int, int]]


class LinkEndpoints(NamedTuple):
    """The distinct tokens and entities of the links of one text."""

    tokens: NDArray[np.int64]
    """The linked tokens."""
    slots: NDArray[np.int64]
    """Index into ``tokens`` of each link."""
    entities: NDArray[np.int64]
    """The linked entities."""
    columns: NDArray[np.int64]
    """Index into ``entities`` of each link."""


@dataclass(frozen=True, eq=False)
class TokenEntityLinks:
    """The links of one text: parallel arrays of token, entity index and score."""

    tokens: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    entities: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    unknown: tuple[str, ...] = ()
    """The best candidate of each mention without a candidate in the graph."""

    @cached_property
    def ends(self) -> LinkEndpoints:
        """The sorted distinct ends of the links; cached, because every batch reads them."""
        tokens, slots = np.unique(self.tokens, return_inverse=True)
        entities, columns = np.unique(self.entities, return_inverse=True)
        return LinkEndpoints(tokens, slots, entities, columns)


def align(
    offsets: Offsets,
    mentions: Sequence[Mention],
    graph: KnowledgeGraph,
    read_token: int | None,
    marks: Mapping[int, Span] = MappingProxyType({}),
) -> TokenEntityLinks:
    """Link every token that overlaps a mention to its candidates, and one token to all of them.

    Overlap is enough, because one WordPiece can cover more than a mention, and a combining mark
    can be outside its token.

    Args:
        offsets: The characters of each token, special tokens (0, 0).
        mentions: In characters of the same text.
        graph: The graph of the entity indices.
        read_token: The token whose state the task head reads; it gets the text-level links. None
            for no such token.
        marks: The tokens that open an argument of a relation; they get the links of the mentions
            that overlap it.
    """
    links: dict[tuple[int, int], float] = {}
    unknown = []
    for mention in mentions:
        tokens = tokens_of(mention, offsets)
        known = [
            (index, _checked(candidate))
            for candidate in mention.candidates
            if (index := graph.entity_ids.find(candidate.entity)) is not None
        ]
        if mention.candidates and not known:
            unknown.append(mention.candidates[0].entity)
        marked = [
            mark
            for mark, span in marks.items()
            if max(span.start, mention.start) < min(span.end, mention.end)
        ]
        read = () if read_token is None else (read_token,)
        for token in (*tokens, *read, *marked) if tokens else ():
            for entity, score in known:
                links[token, entity] = max(score, links.get((token, entity), 0.0))
    ordered = sorted(links.items())
    scores = np.array([score for _, score in ordered], np.float32)
    ends = np.array([pair for pair, _ in ordered], np.int64).reshape(-1, 2)
    return TokenEntityLinks(ends[:, 0], ends[:, 1], scores, tuple(unknown))


def tokens_of(mention: Mention, offsets: Offsets) -> list[int]:
    """Return the tokens that share at least one character with a mention.

    >>> tokens_of(Mention(2, 5, ()), [(0, 0), (0, 3), (3, 3), (3, 6), (6, 7)])
    [1, 3]
    """
    return [
        token
        for token, (start, end) in enumerate(offsets)
        if max(start, mention.start) < min(end, mention.end)
    ]


def _checked(candidate: Candidate) -> float:
    if not 0 <= candidate.score <= 1:
        raise KGBertError(
            f"the linker gives {candidate.entity} the score {candidate.score}, but a score is a "
            "probability, whose logarithm is the prior of the attention. Return scores between 0 "
            "(never) and 1 (certain).",
            code="score-out-of-range",
        )
    return candidate.score
