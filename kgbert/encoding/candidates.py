"""What the mentions of a text may mean, as entity linking is asked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kgbert.encoding.alignment import Offsets, tokens_of
from kgbert.encoding.collation import log_scores
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Mention


class CandidateSet(NamedTuple):
    """The tokens of a mention, and the candidates of which one, or none, is right.

    A mention that no token covers has no candidates: nothing can be said of it but "none".
    """

    first: int
    last: int
    ids: tuple[str, ...]
    """Of the candidates that the graph knows, best first."""
    entities: tuple[int, ...]
    scores: tuple[float, ...]


def candidate_set(
    mention: Mention, offsets: Offsets, graph: KnowledgeGraph, most: int
) -> CandidateSet:
    """Return what a mention may mean, at most so many candidates; one of score 0 is never meant."""
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
) -> dict[str, Tensor]:
    """Return the choices of a batch as tables, filled up where texts and mentions have fewer.

    Args:
        choices: Of each text, one a mention.
        shifts: How many tokens of padding stand before each text.
        linked: The entities of the batch's first nodes, in order.
        most: Candidates that there is room for.
    """
    texts, width = len(choices), max(map(len, choices), default=0)
    spans = np.zeros((texts, width, 2), np.int64)
    nodes = np.zeros((texts, width, most), np.int64)
    scores = np.full((texts, width, most), -np.inf, np.float32)
    for row, (of_text, shift) in enumerate(zip(choices, shifts, strict=True)):
        for place, choice in enumerate(of_text):
            spans[row, place] = choice.first + shift, choice.last + shift
            count = len(choice.entities)
            nodes[row, place, :count] = np.searchsorted(linked, choice.entities)
            scores[row, place, :count] = log_scores(np.array(choice.scores, np.float32))
    tables = {"mention_spans": spans, "candidate_nodes": nodes, "candidate_scores": scores}
    return {name: torch.from_numpy(table) for name, table in tables.items()}
