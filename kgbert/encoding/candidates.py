"""Candidate sets of mentions, the inputs of entity linking."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import Offsets, tokens_of
from kgbert.encoding.collation import log_scores
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention


class CandidateSet(NamedTuple):
    """The tokens of a mention and its candidates, of which at most one is right.

    A mention without a token has no candidates, so that it is predicted as NIL.
    """

    first: int
    last: int
    ids: tuple[str, ...]
    """Ids of the candidates in the graph, best first."""
    entities: tuple[int, ...]
    scores: tuple[float, ...]


def candidate_set(
    mention: Mention, offsets: Offsets, graph: KnowledgeGraph, most: int
) -> CandidateSet:
    """Return at most ``most`` candidates of a mention; those with score 0 are left out."""
    tokens = tokens_of(mention, offsets)
    if not tokens:
        return CandidateSet(0, 0, (), (), ())
    known = [
        (candidate.entity, index, candidate.score)
        for candidate in mention.candidates
        if candidate.score > 0 and (index := graph.entity_ids.find(candidate.entity)) is not None
    ][:most]
    ids, entities, scores = zip(*known, strict=True) if known else ((), (), ())
    return CandidateSet(tokens[0], tokens[-1], ids, entities, scores)


def candidate_tables(
    choices: Sequence[Sequence[CandidateSet]],
    shifts: Sequence[int],
    linked: NDArray[np.int64],
    most: int,
) -> dict[str, NDArray[Any]]:
    """Return the candidate sets of a batch as padded arrays.

    Args:
        choices: The candidate sets of each text, one a mention.
        shifts: Number of padding tokens before each text.
        linked: Sorted entity indices of the first nodes of the batch.
        most: Maximum number of candidates of a mention.
    """
    texts, width = len(choices), max(map(len, choices), default=0)
    spans = np.zeros((texts, width, 2), np.int64)
    nodes = np.zeros((texts, width, most), np.int64)
    scores = np.full((texts, width, most), -np.inf, np.float32)
    for row, (text_choices, shift) in enumerate(zip(choices, shifts, strict=True)):
        for place, choice in enumerate(text_choices):
            spans[row, place] = choice.first + shift, choice.last + shift
            count = len(choice.entities)
            nodes[row, place, :count] = np.searchsorted(linked, choice.entities)
            scores[row, place, :count] = log_scores(np.array(choice.scores, np.float32))
    return {"mention_spans": spans, "candidate_nodes": nodes, "candidate_scores": scores}
