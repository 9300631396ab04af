"""The links of a batch, of all its texts together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.batching.alignment import TextLinks


def link_arrays(
    links: Sequence[TextLinks], places: Sequence[int], width: int
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Return the links by the names that a fused model knows them by, and the linked entities.

    Args:
        links: Of each text, in their order.
        places: The token that each link starts from, counted through the padded batch.
        width: Tokens of a padded text.
    """
    entities = np.array([entity for text in links for entity in text.entities], np.int64)
    scores = np.array([score for text in links for score in text.scores], np.float32)
    positions, of_link = np.unique(np.array(places, np.int64), return_inverse=True)
    linked, link_nodes = np.unique(entities, return_inverse=True)
    arrays: dict[str, NDArray[Any]] = {
        "link_rows": positions // width,
        "link_tokens": positions % width,
        "link_positions": of_link,
        "link_nodes": link_nodes,
        # A score of zero hides the link: its logarithm is minus infinity.
        "link_scores": np.log(scores, where=scores > 0, out=np.full_like(scores, -np.inf)),
    }
    return arrays, linked
