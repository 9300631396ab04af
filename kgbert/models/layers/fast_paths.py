"""Dense tables of the links of a text, if these are cheaper than gathering along each link."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from kgbert.models.layers.knowledge_attention import Links

#: Number of table cells that cost as much as one number gathered along a link, measured with 100
#: to 3,000 positions on a CPU. It bounds the time and memory of tables by those of the links.
CELLS_PER_LINK_FEATURE = 0.4

#: Most table columns per link; each column gathers a key and a value.
COLUMNS_PER_LINK = 4

#: The number of columns is a multiple of this; a softmax over an odd number is much slower.
COLUMNS = 8


class TableLayout(NamedTuple):
    """The positions of the links in the tables of their texts."""

    row_index: Int[Tensor, " positions"]
    """The row of each position in the table of its text."""
    col_index: Int[Tensor, " links"]
    """The column of the node of each link in the table of its text."""
    size: tuple[int, int]
    """Rows and columns of the largest table."""


class DenseLinkTable(NamedTuple):
    """The linked positions, nodes and link scores of each text as a table."""

    places: Int[Tensor, " positions"]
    """Rows of the flattened tokens that read."""
    rows: Int[Tensor, " positions"]
    """Their rows in the concatenated tables."""
    nodes: Int[Tensor, " cells"]
    """The node of each column; the null entity has the number after the last node."""
    scores: Float[Tensor, "texts 1 rows columns"]
    """Log of the score of each link, minus infinity without a link; the last column is the null
    entity, to which every position attends."""


class ReadoutTable(NamedTuple):
    """The nodes and link scores of one token of each text."""

    places: Int[Tensor, " texts"]
    """Rows of the flattened tokens that read."""
    nodes: Int[Tensor, "texts columns"]
    """The node of each column."""
    scores: Float[Tensor, "texts 1 all"]
    """As in :class:`DenseLinkTable`; the null entity has an additional last column."""


def prefers_dense(links: Links, layout: TableLayout, texts: int, size: int) -> bool:
    """Return whether tables cost no more than gathering along links, judged by shapes only.

    Args:
        links: The links of the batch.
        layout: Their positions in the tables.
        texts: Number of texts.
        size: Size of a head.
    """
    # An exported graph has one branch for all shapes.
    if torch.compiler.is_exporting():
        return False
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
        layout: Their positions in the tables.
        nodes: Number of nodes.
        texts: Number of texts.
        width: Number of tokens of a text.
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
        layout: Their positions in the tables.
        read_index: The token of each text that attends.
        width: Number of tokens of a text.
    """
    texts = len(read_index)
    mass = links.scores.exp() * links.start_at(read_index)
    nodes, scores = _cells(links, layout, links.batch_index[links.query_index], mass, 0, texts, 1)
    places = torch.arange(0, texts * width, width, device=mass.device) + read_index
    return ReadoutTable(places, nodes.view(texts, -1)[:, :-1], scores.squeeze(1))


def _cells(
    links: Links, layout: TableLayout, rows: Tensor, mass: Tensor, nodes: int, texts: int, most: int
) -> tuple[Tensor, Tensor]:
    """Return the node of each column, and the log of the total score of each cell.

    The scores of links with the same position and node are added.
    """
    # The last column is that of the null entity.
    columns = (layout.size[1] // COLUMNS + 1) * COLUMNS
    places = links.batch_index[links.query_index] * columns + layout.col_index
    column_nodes = links.node_index.new_zeros(texts * columns).scatter(0, places, links.node_index)
    column_nodes.view(texts, columns)[:, -1] = nodes
    cells = rows * columns + layout.col_index
    size = texts * most * columns
    total = mass.new_zeros(size).index_add(0, cells, mass)
    # The logarithm is taken at links only, because log(0) is slow and most cells are empty.
    logs = total.index_select(0, cells).log()
    scores = mass.new_full((size,), -torch.inf).scatter(0, cells, logs)
    scores = scores.view(texts, 1, most, columns)
    scores[..., -1] = 0.0
    return column_nodes, scores
