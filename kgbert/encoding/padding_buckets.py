"""Batches in few shapes, so that a compiled model meets those it knows again and again."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

#: The smallest bucket.
SMALLEST = 8


def bucket_of(size: int) -> int:
    """Return the next larger bucket: a power of two, or one, two or three quarters above it.

    There is always an empty place, and at most about a fifth of a larger bucket is empty.

    >>> [bucket_of(size) for size in (0, 7, 8, 9, 10, 1000, 1024)]
    [8, 8, 10, 10, 12, 1024, 1280]
    """
    if size < SMALLEST:
        return SMALLEST
    step = 1 << (size.bit_length() - 3)
    return (size // step + 1) * step


def pad_to_buckets(batch: dict[str, Any], read_token: int) -> dict[str, Any]:
    """Return a batch whose knowledge is filled up to sizes that come again.

    No text reads what is added: added nodes hear added edges only, and added links are hidden.
    Texts are left as wide as they are; a tokenizer that pads to a fixed length settles that.

    Args:
        batch: What :meth:`kgbert.KGBertProcessor.collate` returned.
        read_token: The token that the task head reads; from the end where it is negative.
    """
    nodes, edges = (list(each) for each in zip(*batch["hop_sizes"], strict=True))
    wide_nodes = [bucket_of(size) for size in nodes]
    wide_edges = [0, *(bucket_of(size) for size in edges[1:])]
    place = _places(nodes, wide_nodes)
    filled = batch | {"hop_sizes": list(zip(wide_nodes, wide_edges, strict=True))}
    for name in {"node_features", "entity_vectors"} & batch.keys():
        filled[name] = _spread(batch[name], place, sum(wide_nodes), 0)
    if "edge_index" in batch:
        # What a hop adds leads to the hop before it, and so does what it is filled up with: there
        # the first added node hears itself.
        starts = list(accumulate(wide_nodes, initial=0))[:-1]
        ends = [start + size for start, size in zip(starts, nodes, strict=True)]
        filler = torch.tensor([0, *ends[:-1]]).repeat_interleave(torch.tensor(wide_edges))
        of_edge = _places(edges, wide_edges)
        filled["edge_index"] = filler.repeat(2, 1)
        filled["edge_index"][:, of_edge] = place[batch["edge_index"]]
        filled["edge_types"] = _spread(batch["edge_types"], of_edge, sum(wide_edges), 0)
    return filled | _links(batch, place, nodes[0], read_token)


def _links(
    batch: dict[str, Any], place: Tensor, first_added_node: int, read_token: int
) -> dict[str, Any]:
    """Return the links, filled up with hidden ones between an added position and an added node."""
    positions, links = len(batch["link_batch_index"]), len(batch["link_node_index"])
    width = batch["input_ids"].shape[1]
    most_positions, most_entities = batch["table_size"]
    more = {
        "link_batch_index": (batch["link_batch_index"], positions, 0),
        "link_token_index": (batch["link_token_index"], positions, read_token % width),
        "link_query_index": (batch["link_query_index"], links, positions),
        "link_node_index": (place[batch["link_node_index"]], links, first_added_node),
        "link_scores": (batch["link_scores"], links, -torch.inf),
        "link_row_index": (batch["link_row_index"], positions, most_positions),
        "link_col_index": (batch["link_col_index"], links, most_entities),
    }
    if "link_gold" in batch:
        more["link_gold"] = (batch["link_gold"], links, -1)
    table_size = bucket_of(most_positions), bucket_of(most_entities)
    return {"table_size": table_size} | {
        name: _spread(column, torch.arange(size), bucket_of(size), filler)
        for name, (column, size, filler) in more.items()
    }


def _places(sizes: Sequence[int], wide: Sequence[int]) -> Tensor:
    """Return where each item of each hop goes once the hops are wider."""
    starts = list(accumulate(wide, initial=0))
    return torch.cat(
        [torch.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)]
    )


def _spread(rows: Tensor, places: Tensor, size: int, filler: int | float) -> Tensor:
    """Return so many rows, some at their places and the rest filled."""
    filled = rows.new_full((size, *rows.shape[1:]), filler)
    filled[places] = rows
    return filled
