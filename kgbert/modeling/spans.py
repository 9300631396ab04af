"""The mentions of a batch, found again from its links."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from kgbert.modeling.attention import Links


class Spans(NamedTuple):
    """Runs of neighbouring tokens with the same candidates, and these.

    Where mentions overlap, what they share is a span of its own with the candidates of both. The
    position that a task head reads repeats the links of its text's mentions, which make no span
    there; what it alone is linked to, proposed for the text as a whole, makes one.
    """

    rows: Int[Tensor, " spans"]
    """The text of each span."""
    first: Int[Tensor, " spans"]
    """Its first token."""
    token_rows: Int[Tensor, " members"]
    """The text of each token that belongs to a span."""
    tokens: Int[Tensor, " members"]
    """Its place there."""
    token_spans: Int[Tensor, " members"]
    """Its span."""
    candidate_spans: Int[Tensor, " candidates"]
    """The span of each candidate."""
    nodes: Int[Tensor, " candidates"]
    """The candidate's node."""
    scores: Float[Tensor, " candidates"]
    """Log of the linker's score; minus infinity hides the candidate."""

    def together(self) -> Bool[Tensor, "spans spans"]:
        """Return which spans stand in the same text."""
        return self.rows.unsqueeze(0) == self.rows.unsqueeze(1)


def mention_spans(links: Links, width: int, read_position: int) -> Spans:
    """Return the spans of a batch in reading order.

    Args:
        links: Between positions and nodes, in any order.
        width: Tokens of the batch.
        read_position: The one that a task head reads, counted from the end where negative.
    """
    links = _without_repeats(links, read_position % width)
    places = links.rows * width + links.tokens
    kept = links.positions.unique()
    kept = kept[places[kept].argsort()]
    rows, tokens, alike = links.rows[kept], links.tokens[kept], _signature(links)[kept]
    follows = torch.ones_like(kept, dtype=torch.bool)
    follows[:1] = False
    follows[1:] = (
        (rows[1:] == rows[:-1]) & (tokens[1:] == tokens[:-1] + 1) & (alike[1:] == alike[:-1])
    )
    starts = ~follows
    span_of = starts.cumsum(0) - 1
    # A position that starts a span names its candidates; the others repeat them.
    named = torch.full_like(links.rows, -1).index_put((kept[starts],), span_of[starts])
    span_of_link = named[links.positions]
    of_span = span_of_link >= 0
    return Spans(
        rows[starts],
        tokens[starts],
        rows,
        tokens,
        span_of,
        span_of_link[of_span],
        links.nodes[of_span],
        links.scores[of_span],
    )


def _without_repeats(links: Links, read_token: int) -> Links:
    """Return the links without those of the token read that other tokens of its text have too."""
    reading = (links.tokens == read_token)[links.positions]
    # Text and node in one number: no batch has as many nodes as 32 bits count.
    told = (links.rows[links.positions] << 32) + links.nodes
    # What is hidden there is left out, as are the links that fill a batch up.
    alone = ~torch.isin(told, told[~reading]) & (links.scores > -torch.inf)
    kept = ~reading | alone
    return links._replace(
        positions=links.positions[kept], nodes=links.nodes[kept], scores=links.scores[kept]
    )


def _signature(links: Links) -> Int[Tensor, " positions"]:
    """Return a number of each position that is the same for the same set of nodes."""
    mixed = (links.nodes + 1) * 0x1E3779B97F4A7C15
    mixed = (mixed ^ (mixed >> 29)) * 0x3F58476D1CE4E5B9
    return torch.zeros_like(links.rows).index_add(0, links.positions, mixed)


def best_nodes(spans: Spans) -> tuple[Int[Tensor, " spans"], Bool[Tensor, " spans"]]:
    """Return the node of each span's best candidate, and whether it has any that is not hidden.

    Of equal candidates the one with the lowest node counts.
    """
    best = torch.full_like(spans.rows, -torch.inf, dtype=spans.scores.dtype).scatter_reduce(
        0, spans.candidate_spans, spans.scores, "amax"
    )
    winner = spans.scores == best[spans.candidate_spans]
    nodes = torch.full_like(spans.rows, torch.iinfo(torch.int64).max).scatter_reduce(
        0, spans.candidate_spans[winner], spans.nodes[winner], "amin"
    )
    return nodes, best > -torch.inf
