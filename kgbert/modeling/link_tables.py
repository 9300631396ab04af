"""The links of a batch as one table, where that is cheaper than one link after another."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from kgbert.modeling.attention import Links

#: How many cells of a table cost about as much as one number read along one link. Measured with
#: 100 to 3,000 positions on a CPU; what counts is that neither time nor memory can outgrow the
#: links by more than this.
CELLS_FOR_ONE = 0.4


class LinkTable(NamedTuple):
    """Which place of the batch may read which node, and how ready it is to."""

    places: Int[Tensor, " positions"]
    """Rows of the flattened tokens that read."""
    scores: Float[Tensor, "positions choices"]
    """Log of the linker's score of each node, minus infinity where nothing links to it; the last
    column is the null entity, which every position may choose."""


def is_worth_a_table(links: Links, nodes: int, size: int) -> bool:
    """Return whether a table costs no more than following each link; it looks at shapes alone.

    Args:
        links: The links of the batch.
        nodes: How many nodes there are.
        size: Numbers that a head reads along one link.
    """
    return len(links.rows) * nodes <= CELLS_FOR_ONE * len(links.positions) * size


def table_of_links(links: Links, nodes: int, width: int) -> LinkTable:
    """Return the table of all linked positions, in texts of ``width`` tokens."""
    cells = links.positions * (nodes + 1) + links.nodes
    places = links.rows * width + links.tokens
    return LinkTable(places, _scores(cells, links.scores.exp(), len(places), nodes))


def table_of_texts(links: Links, nodes: int, texts: int, width: int, *, token: int) -> LinkTable:
    """Return the table of one token of each text, linked or not.

    Args:
        links: The links of the batch; those of other tokens are left out.
        nodes: How many nodes there are.
        texts: How many texts there are.
        width: Tokens of each.
        token: The one that reads; from the end where it is negative.
    """
    token %= width
    cells = links.rows[links.positions] * (nodes + 1) + links.nodes
    mass = links.scores.exp() * (links.tokens[links.positions] == token)
    places = torch.arange(token, texts * width, width, device=cells.device)
    return LinkTable(places, _scores(cells, mass, texts, nodes))


def _scores(cells: Tensor, mass: Tensor, positions: int, nodes: int) -> Tensor:
    """Return the log of what falls into each cell; two links from one place to one node add up."""
    size = positions * (nodes + 1)
    total = mass.new_zeros(size).index_add(0, cells, mass)
    # Logarithms of the links alone: that of zero is slow, and most cells are empty.
    logs = total.index_select(0, cells).log()
    scores = mass.new_full((size,), -torch.inf).scatter(0, cells, logs)
    scores = scores.view(positions, nodes + 1)
    scores[:, nodes] = 0.0
    return scores
