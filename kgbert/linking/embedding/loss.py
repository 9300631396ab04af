"""The metric-learning loss of the name encoder."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: Scales of positives and negatives, and the similarity offset, as in SapBERT.
_POSITIVE, _NEGATIVE, _BASE = 2.0, 50.0, 0.5

#: Margin of hard-pair mining.
_MARGIN = 0.2


def multi_similarity(
    vectors: Float[Tensor, "names hidden"],
    entities: Int[Tensor, " names"],
    *,
    same_name: Bool[Tensor, "names names"] | None = None,
) -> Float[Tensor, ""]:
    """Return the multi-similarity loss over the hard pairs of a batch.

    For each name, over its hard positives P and hard negatives N with similarities s::

        log(1 + sum_P exp(-2 (s - 1/2))) / 2 + log(1 + sum_N exp(50 (s - 1/2))) / 50

    A positive is hard if some negative is nearer or less than 0.2 farther, and a negative if some
    positive is. Wang et al. 2019 (https://arxiv.org/abs/1904.06627) gave the loss, Liu et al. 2021
    (SapBERT, https://arxiv.org/abs/2010.11784) its use on names with hard pairs mined online.

    Args:
        vectors: Name vectors of length one.
        entities: The entity of each name.
        same_name: Pairs with the same spelling; they are ignored, even if their entities differ.
    """
    similarity = vectors @ vectors.T
    same_entity = entities.unsqueeze(0) == entities.unsqueeze(1)
    itself = torch.eye(len(entities), dtype=torch.bool, device=vectors.device)
    same_spelling = itself if same_name is None else itself | same_name
    positive, negative = same_entity & ~same_spelling, ~same_entity & ~same_spelling
    detached = similarity.detach()
    nearest_negative = detached.masked_fill(~negative, -torch.inf).amax(1, keepdim=True)
    farthest_positive = detached.masked_fill(~positive, torch.inf).amin(1, keepdim=True)
    positive &= detached < nearest_negative + _MARGIN
    negative &= detached > farthest_positive - _MARGIN
    positive_loss = _log_one_plus_sum_exp(-_POSITIVE * (similarity - _BASE), positive) / _POSITIVE
    negative_loss = _log_one_plus_sum_exp(_NEGATIVE * (similarity - _BASE), negative) / _NEGATIVE
    return (positive_loss + negative_loss).mean()


def _log_one_plus_sum_exp(
    exponents: Float[Tensor, "names names"], chosen: Bool[Tensor, "names names"]
) -> Float[Tensor, " names"]:
    """Return log(1 + sum of exp) over the chosen exponents of each row, without overflow."""
    masked = exponents.masked_fill(~chosen, -torch.inf)
    one = torch.zeros_like(masked[:, :1])
    return torch.cat([masked, one], 1).logsumexp(1)
