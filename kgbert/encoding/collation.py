"""The links of a batch, of all its texts together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.encoding.alignment import TokenEntityLinks


def link_arrays(
    links: Sequence[TokenEntityLinks], shifts: Sequence[int]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the links by the names that a fused model knows them by, and the linked entities.

    Args:
        links: Of each text, in their order.
        shifts: How far each text was moved by padding on its left.
    """
    ends = [text.ends for text in links]
    of_text = [len(text.tokens) for text in links]
    positions = [len(each.tokens) for each in ends]
    entities = [len(each.entities) for each in ends]
    linked, nodes = np.unique(np.concatenate([x.entities for x in ends]), return_inverse=True)
    columns = np.concatenate([each.columns for each in ends])
    arrays: dict[str, NDArray[Any]] = {
        "link_batch_index": np.repeat(np.arange(len(links)), positions),
        "link_token_index": np.concatenate([x.tokens for x in ends]) + np.repeat(shifts, positions),
        "link_query_index": np.concatenate([x.slots for x in ends]) + _before(positions, of_text),
        "link_node_index": nodes[columns + _before(entities, of_text)],
        "link_scores": log_scores(np.concatenate([text.scores for text in links])),
        "link_row_index": np.concatenate([np.arange(size) for size in positions]),
        "link_col_index": columns,
    }
    return arrays, linked


def largest_table(links: Sequence[TokenEntityLinks]) -> tuple[int, int]:
    """Return the most linked tokens and the most linked entities that one text has."""
    return max(len(x.ends.tokens) for x in links), max(len(x.ends.entities) for x in links)


def _before(sizes: Sequence[int], of_text: Sequence[int]) -> NDArray[np.int64]:
    """Return for each link the sum of the sizes of the texts before its own."""
    return np.repeat(np.cumsum(sizes) - sizes, of_text)


def log_scores(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of candidates' scores; zero hides a candidate: minus infinity.

    >>> log_scores(np.array([1.0, 0.0], np.float32)).tolist()
    [0.0, -inf]
    """
    logs: NDArray[np.float32] = np.log(scores, where=scores > 0, out=np.full_like(scores, -np.inf))
    return logs
