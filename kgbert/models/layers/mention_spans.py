"""Reconstruct the mentions of a batch from its links."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from kgbert.models.layers.knowledge_attention import Links


class Spans(NamedTuple):
    """Runs of adjacent tokens with the same candidates.

    The overlap of two mentions is a separate span with the candidates of both. The text-level links
    of the position that a task head reads belong to no span.
    """

    rows: Int[Tensor, " spans"]
    """The text of each span."""
    first: Int[Tensor, " spans"]
    """Its first token."""
    token_rows: Int[Tensor, " members"]
    """The text of each token that belongs to a span."""
    tokens: Int[Tensor, " members"]
    """Its position in the text."""
    token_spans: Int[Tensor, " members"]
    """Its span."""
    candidate_spans: Int[Tensor, " candidates"]
    """The span of each candidate."""
    nodes: Int[Tensor, " candidates"]
    """The node of each candidate."""
    scores: Float[Tensor, " candidates"]
    """Log of the score of the linker; minus infinity hides the candidate."""

    def together(self) -> Bool[Tensor, "spans spans"]:
        """Return whether each pair of spans is in the same text."""
        return self.rows.unsqueeze(0) == self.rows.unsqueeze(1)


def mention_spans(links: Links, width: int, read_index: Int[Tensor, " batch"]) -> Spans:
    """Return the spans of a batch in reading order.

    Args:
        links: The links of the batch, in any order.
        width: Number of tokens of the batch.
        read_index: The token of each text with the text-level links.
    """
    inside = links.token_index != read_index[links.batch_index]
    places = links.batch_index * width + links.token_index
    (kept,) = inside.nonzero(as_tuple=True)
    kept = kept[places[kept].argsort()]
    rows, tokens, alike = links.batch_index[kept], links.token_index[kept], _signature(links)[kept]
    follows = torch.ones_like(inside[kept])
    follows[:1] = False
    follows[1:] = (
        (rows[1:] == rows[:-1]) & (tokens[1:] == tokens[:-1] + 1) & (alike[1:] == alike[:-1])
    )
    starts = ~follows
    span_of = starts.cumsum(0) - 1
    # Candidates are read from the first position of a span; its other positions repeat them.
    named = torch.full_like(links.batch_index, -1).index_put((kept[starts],), span_of[starts])
    span_of_link = named[links.query_index]
    of_span = span_of_link >= 0
    return Spans(
        rows[starts],
        tokens[starts],
        rows,
        tokens,
        span_of,
        span_of_link[of_span],
        links.node_index[of_span],
        links.scores[of_span],
    )


def _signature(links: Links) -> Int[Tensor, " positions"]:
    """Return a hash of the set of linked nodes of each position."""
    mixed = (links.node_index + 1) * 0x1E3779B97F4A7C15
    mixed = (mixed ^ (mixed >> 29)) * 0x3F58476D1CE4E5B9
    return torch.zeros_like(links.batch_index).index_add(0, links.query_index, mixed)


def top_nodes(spans: Spans) -> tuple[Int[Tensor, " spans"], Bool[Tensor, " spans"]]:
    """Return the node of the best candidate of each span, and whether it has a visible one.

    Ties are resolved in favour of the lowest node.
    """
    best = torch.full_like(spans.rows, -torch.inf, dtype=spans.scores.dtype).scatter_reduce(
        0, spans.candidate_spans, spans.scores, "amax"
    )
    winner = spans.scores == best[spans.candidate_spans]
    nodes = torch.full_like(spans.rows, torch.iinfo(torch.int64).max).scatter_reduce(
        0, spans.candidate_spans[winner], spans.nodes[winner], "amin"
    )
    return nodes, best > -torch.inf
