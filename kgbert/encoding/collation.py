"""Collate texts of similar length, and the links of the texts of a batch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kgbert.data.example import SEPARATOR
from kgbert.encoding.alignment import TokenEntityLinks
from kgbert.encoding.neighbor_sampling import SampledSubgraph
from kgbert.utils.checks import check_positive

if TYPE_CHECKING:
    from torch import Tensor

    from kgbert.encoding.encoded import EncodedText
    from kgbert.features.entity_features import EntityFeatures

#: The numbers of the texts of a pair.
FIRST, SECOND = 1, 2


def link_arrays(
    links: Sequence[TokenEntityLinks], shifts: Sequence[int]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the link arguments of a fused model, and the linked entities.

    Args:
        links: The links of each text.
        shifts: Number of padding tokens before each text.
    """
    ends = [text.ends for text in links]
    link_counts = [len(text.tokens) for text in links]
    positions = [len(each.tokens) for each in ends]
    entities = [len(each.entities) for each in ends]
    linked, nodes = np.unique(np.concatenate([x.entities for x in ends]), return_inverse=True)
    columns = np.concatenate([each.columns for each in ends])
    arrays: dict[str, NDArray[Any]] = {
        "link_batch_index": np.repeat(np.arange(len(links)), positions),
        "link_token_index": np.concatenate([x.tokens for x in ends]) + np.repeat(shifts, positions),
        "link_query_index": np.concatenate([x.slots for x in ends])
        + _before(positions, link_counts),
        "link_node_index": nodes[columns + _before(entities, link_counts)],
        "link_scores": log_scores(np.concatenate([text.scores for text in links])),
        "link_row_index": np.concatenate([np.arange(size) for size in positions]),
        "link_col_index": columns,
    }
    return arrays, linked


def numbers_of_texts(text: "EncodedText") -> NDArray[np.int64]:
    """Return the text of a pair that each token belongs to: 1, 2, or 0 for special tokens.

    The line break between both belongs to none, where it is a token.
    """
    starts, ends = np.array(text.offsets, np.int64).reshape(-1, 2).T
    boundary = len(text.text) if text.boundary is None else text.boundary
    in_second = ends > boundary + len(SEPARATOR)
    numbers = np.where(starts < boundary, FIRST, np.where(in_second, SECOND, 0))
    return np.where(starts < ends, numbers, 0)


def text_number_arrays(
    texts: Sequence["EncodedText"], width: int, shifts: Sequence[int]
) -> dict[str, NDArray[np.int64]]:
    """Return the text of a pair that each token of a batch belongs to, if the texts are pairs.

    Args:
        texts: The texts.
        width: Number of tokens of each row of the batch.
        shifts: Number of padding tokens before each text.
    """
    if texts[0].boundary is None:
        return {}
    numbers = np.zeros((len(texts), width), np.int64)
    for row, (text, shift) in enumerate(zip(texts, shifts, strict=True)):
        numbers[row, shift : shift + len(text.offsets)] = numbers_of_texts(text)
    return {"text_numbers": numbers}


def subgraph_arrays(
    sampled: SampledSubgraph, features: "EntityFeatures"
) -> dict[str, NDArray[Any]]:
    """Return the arguments of a fused model that describe a sampled subgraph, without its hops."""
    return {
        "node_features": features.vectors[sampled.nodes],
        "edge_index": sampled.edge_index,
        "edge_types": sampled.edge_types,
    }


def to_tensors(arrays: Mapping[str, NDArray[Any]]) -> "dict[str, Tensor]":
    """Return the arrays of a batch as tensors."""
    import torch  # kgbert.runtime collates without it.

    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def largest_table(links: Sequence[TokenEntityLinks]) -> tuple[int, int]:
    """Return the maximum numbers of linked tokens and of linked entities of a text."""
    return max(len(x.ends.tokens) for x in links), max(len(x.ends.entities) for x in links)


def _before(sizes: Sequence[int], link_counts: Sequence[int]) -> NDArray[np.int64]:
    """Return for each link the sum of the sizes of the texts before its text."""
    return np.repeat(np.cumsum(sizes) - sizes, link_counts)


def log_scores(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of candidate scores; a score of zero hides a candidate.

    >>> log_scores(np.array([1.0, 0.0], np.float32)).tolist()
    [0.0, -inf]
    """
    logs: NDArray[np.float32] = np.log(scores, where=scores > 0, out=np.full_like(scores, -np.inf))
    return logs


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield batches of text indices, the longest texts first, so that memory runs out at once.

    >>> list(batches_by_length([3, 9, 4], 2))
    [[1, 2], [0]]
    """
    check_positive(batch_size=batch_size)
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
