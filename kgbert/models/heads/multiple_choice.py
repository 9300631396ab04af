"""Arrange the scores of all choices of a batch by question."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def group_by_question(
    scores: Float[Tensor, " choices"], counts: Sequence[int]
) -> Float[Tensor, "questions columns"]:
    """Return one row of scores a question, padded on the right with minus infinity.

    >>> group_by_question(torch.tensor([1.0, 2.0, 3.0]), [1, 2]).tolist()
    [[1.0, -inf], [2.0, 3.0]]
    """
    sizes = torch.tensor(counts, device=scores.device).unsqueeze(1)
    is_choice = torch.arange(max(counts), device=scores.device) < sizes
    return scores.new_full(is_choice.shape, -torch.inf).masked_scatter(is_choice, scores)
