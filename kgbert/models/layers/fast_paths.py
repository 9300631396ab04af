"""The links of a batch as one table a text, where that is cheaper than one link after another."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from kgbert.models.layers.knowledge_attention import Links

#: How many cells of a table cost about as much as one number read along one link. Measured with
#: 100 to 3,000 positions on a CPU; what counts is that neither time nor memory can outgrow the
#: links by more than this.
CELLS_PER_LINK_FEATURE = 0.4

#: How many columns, each of which gathers a key and a value, may stand for one link.
COLUMNS_PER_LINK = 4

#: Columns come in so many, since a softmax over an odd number of them is several times slower.
COLUMNS = 8


class TableLayout(NamedTuple):
    """Where the links stand in the tables of their texts."""

    row_index: Int[Tensor, " positions"]
    """Which row of its text's table a position is."""
    col_index: Int[Tensor, " links"]
    """Which column of its text's table a link's node is."""
    size: tuple[int, int]
    """Rows and columns of the largest table."""


class DenseLinkTable(NamedTuple):
    """Which position may read which node, text by text, and how ready it is to."""

    places: Int[Tensor, " positions"]
    """Rows of the flattened tokens that read."""
    rows: Int[Tensor, " positions"]
    """Rows of the tables, one table after another, that stand for them."""
    nodes: Int[Tensor, " cells"]
    """What the columns lead to; the null entity is one behind the last node."""
    scores: Float[Tensor, "texts 1 rows columns"]
    """Log of the linker's score of each node, minus infinity where nothing links to it; the last
    column is the null entity, which every position may choose."""


class ReadoutTable(NamedTuple):
    """Which nodes one token of each text may read, and how ready it is to."""

    places: Int[Tensor, " texts"]
    """Rows of the flattened tokens that read."""
    nodes: Int[Tensor, "texts columns"]
    """What the columns lead to."""
    scores: Float[Tensor, "texts 1 all"]
    """As in :class:`DenseLinkTable`; the null entity has a column more than the nodes."""


def prefers_dense(links: Links, layout: TableLayout, texts: int, size: int) -> bool:
    """Return whether tables cost no more than following each link; it looks at shapes alone.

    Args:
        links: The links of the batch.
        layout: Where they would stand.
        texts: How many texts there are.
        size: Numbers that a head reads along one link.
    """
    rows, columns = layout.size
    cells, followed = texts * rows * columns, len(links.query_index)
    return (
        cells < CELLS_PER_LINK_FEATURE * followed * size
        and texts * columns <= COLUMNS_PER_LINK * followed
    )


def dense_link_table(
    links: Links, layout: TableLayout, *, nodes: int, texts: int, width: int
) -> DenseLinkTable:
    """Return the tables of all linked positions.

    Args:
        links: The links of the batch.
        layout: Where they stand.
        nodes: How many nodes there are.
        texts: How many texts there are.
        width: Tokens of each.
    """
    most = layout.size[0]
    rows = links.batch_index * most + layout.row_index
    places = links.batch_index * width + links.token_index
    mass = links.scores.exp()
    return DenseLinkTable(
        places, rows, *_cells(links, layout, rows[links.query_index], mass, nodes, texts, most)
    )


def readout_table(
    links: Links, layout: TableLayout, read_index: Int[Tensor, " texts"], *, width: int
) -> ReadoutTable:
    """Return the table of one token of each text, linked or not.

    Args:
        links: The links of the batch; those of other tokens are left out.
        layout: Where they stand.
        read_index: The token of each text that reads.
        width: Tokens of a text.
    """
    texts = len(read_index)
    mass = links.scores.exp() * links.start_at(read_index)
    nodes, scores = _cells(links, layout, links.batch_index[links.query_index], mass, 0, texts, 1)
    places = torch.arange(0, texts * width, width, device=mass.device) + read_index
    return ReadoutTable(places, nodes.view(texts, -1)[:, :-1], scores.squeeze(1))


def _cells(
    links: Links, layout: TableLayout, rows: Tensor, mass: Tensor, nodes: int, texts: int, most: int
) -> tuple[Tensor, Tensor]:
    """Return what the columns lead to, and the log of what falls into each cell.

    Two links from one place to one node add up.
    """
    # The last is the null entity's.
    columns = (layout.size[1] // COLUMNS + 1) * COLUMNS
    places = links.batch_index[links.query_index] * columns + layout.col_index
    led_to = links.node_index.new_zeros(texts * columns).scatter(0, places, links.node_index)
    led_to.view(texts, columns)[:, -1] = nodes
    cells = rows * columns + layout.col_index
    size = texts * most * columns
    total = mass.new_zeros(size).index_add(0, cells, mass)
    # Logarithms of the links alone: that of zero is slow, and most cells are empty.
    logs = total.index_select(0, cells).log()
    scores = mass.new_full((size,), -torch.inf).scatter(0, cells, logs)
    scores = scores.view(texts, 1, most, columns)
    scores[..., -1] = 0.0
    return led_to, scores
