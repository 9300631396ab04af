"""The links of a batch, of all its texts together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.batching.alignment import TextLinks


def link_arrays(
    links: Sequence[TextLinks], shifts: Sequence[int], width: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the links by the names that a fused model knows them by, and the linked entities.

    Args:
        links: Of each text, in their order.
        shifts: How far each text was moved by padding on its left.
        width: Tokens of a padded text.
    """
    places = [
        text.tokens + (row * width + shift)
        for row, (text, shift) in enumerate(zip(links, shifts, strict=True))
    ]
    entities = np.concatenate([text.entities for text in links])
    scores = np.concatenate([text.scores for text in links])
    positions, of_link = np.unique(np.concatenate(places), return_inverse=True)
    linked, link_nodes = np.unique(entities, return_inverse=True)
    arrays: dict[str, NDArray[Any]] = {
        "link_rows": positions // width,
        "link_tokens": positions % width,
        "link_positions": of_link,
        "link_nodes": link_nodes,
        "link_scores": log_scores(scores),
    }
    return arrays, linked


def log_scores(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithms of candidates' scores; zero hides a candidate: minus infinity.

    >>> log_scores(np.array([1.0, 0.0], np.float32)).tolist()
    [0.0, -inf]
    """
    logs: NDArray[np.float32] = np.log(scores, where=scores > 0, out=np.full_like(scores, -np.inf))
    return logs
