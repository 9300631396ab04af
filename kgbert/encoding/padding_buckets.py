"""Pad batches to few shapes, so that a model is compiled for few shapes."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

#: The smallest bucket.
SMALLEST = 8


def bucket_of(size: int) -> int:
    """Return the next larger bucket: a power of two times 1, 1.25, 1.5 or 1.75.

    At least one position is padding, and at most about a fifth of a larger bucket.

    >>> [bucket_of(size) for size in (0, 7, 8, 9, 10, 1000, 1024)]
    [8, 8, 10, 10, 12, 1024, 1280]
    """
    if size < SMALLEST:
        return SMALLEST
    step = 1 << (size.bit_length() - 3)
    return (size // step + 1) * step


def pad_to_buckets(batch: dict[str, Any], read_token: int) -> dict[str, Any]:
    """Return a batch whose knowledge is padded to bucket sizes.

    Padding does not change the output: padding nodes are receivers of padding edges only, and
    padding links are hidden. The width of the texts is unchanged; the tokenizer can pad them.

    Args:
        batch: A batch of :meth:`kgbert.KGBertProcessor.collate`.
        read_token: The token that the task head reads; a negative number counts from the end.
    """
    nodes, edges = (list(each) for each in zip(*batch["hop_sizes"], strict=True))
    wide_nodes = [bucket_of(size) for size in nodes]
    wide_edges = [0, *(bucket_of(size) for size in edges[1:])]
    place = _places(nodes, wide_nodes)
    filled = batch | {"hop_sizes": list(zip(wide_nodes, wide_edges, strict=True))}
    for name in {"node_features", "entity_vectors"} & batch.keys():
        filled[name] = _spread(batch[name], place, sum(wide_nodes), 0)
    if "edge_index" in batch:
        # The edges of a hop lead to the hop before it, and so do its padding edges, which are loops
        # at the first padding node there.
        starts = list(accumulate(wide_nodes, initial=0))[:-1]
        ends = [start + size for start, size in zip(starts, nodes, strict=True)]
        filler = torch.tensor([0, *ends[:-1]]).repeat_interleave(torch.tensor(wide_edges))
        of_edge = _places(edges, wide_edges)
        filled["edge_index"] = filler.repeat(2, 1)
        filled["edge_index"][:, of_edge] = place[batch["edge_index"]]
        filled["edge_types"] = _spread(batch["edge_types"], of_edge, sum(wide_edges), 0)
    return filled | _links(batch, place, nodes[0], read_token)


def _links(
    batch: dict[str, Any], place: Tensor, first_padding_node: int, read_token: int
) -> dict[str, Any]:
    """Return links and paths, the links padded with hidden ones to padding nodes."""
    positions, links = len(batch["link_batch_index"]), len(batch["link_node_index"])
    width = batch["input_ids"].shape[1]
    most_positions, most_entities = batch["table_size"]
    more = {
        "link_batch_index": (batch["link_batch_index"], positions, 0),
        "link_token_index": (batch["link_token_index"], positions, read_token % width),
        "link_query_index": (batch["link_query_index"], links, positions),
        "link_node_index": (place[batch["link_node_index"]], links, first_padding_node),
        "link_scores": (batch["link_scores"], links, -torch.inf),
        "link_row_index": (batch["link_row_index"], positions, most_positions),
        "link_col_index": (batch["link_col_index"], links, most_entities),
    }
    if "link_gold" in batch:
        more["link_gold"] = (batch["link_gold"], links, -1)
    # Padding paths count nothing.
    for name in {"path_cells", "path_types", "path_values"} & batch.keys():
        more[name] = (batch[name], len(batch[name]), 0)
    table_size = bucket_of(most_positions), bucket_of(most_entities)
    return {"table_size": table_size} | {
        name: _spread(column, torch.arange(size), bucket_of(size), filler)
        for name, (column, size, filler) in more.items()
    }


def _places(sizes: Sequence[int], wide: Sequence[int]) -> Tensor:
    """Return the new position of each item of each hop after padding the hops."""
    starts = list(accumulate(wide, initial=0))
    return torch.cat(
        [torch.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    )


def _spread(rows: Tensor, places: Tensor, size: int, filler: int | float) -> Tensor:
    """Return ``size`` rows with the given ones at their places and the filler elsewhere."""
    filled = rows.new_full((size, *rows.shape[1:]), filler)
    filled[places] = rows
    return filled
