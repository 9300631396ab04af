"""The loss that draws the names of an entity together and those of others apart."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: As in SapBERT: how sharply positives and negatives are weighed, and where they part.
_POSITIVE, _NEGATIVE, _BASE = 2.0, 50.0, 0.5

#: A pair is hard where a negative comes closer than a positive, or nearly.
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
        vectors: Of length one.
        entities: What each name means.
        same_name: Pairs that are spelt alike; whatever they mean, they are not driven apart.
    """
    similarity = vectors @ vectors.T
    alike = entities.unsqueeze(0) == entities.unsqueeze(1)
    itself = torch.eye(len(entities), dtype=torch.bool, device=vectors.device)
    spelt_alike = itself if same_name is None else itself | same_name
    positive, negative = alike & ~spelt_alike, ~alike & ~spelt_alike
    seen = similarity.detach()
    nearest_negative = seen.masked_fill(~negative, -torch.inf).amax(1, keepdim=True)
    farthest_positive = seen.masked_fill(~positive, torch.inf).amin(1, keepdim=True)
    positive &= seen < nearest_negative + _MARGIN
    negative &= seen > farthest_positive - _MARGIN
    draw = _log_of_one_and_sum(-_POSITIVE * (similarity - _BASE), positive) / _POSITIVE
    drive = _log_of_one_and_sum(_NEGATIVE * (similarity - _BASE), negative) / _NEGATIVE
    return (draw + drive).mean()


def _log_of_one_and_sum(
    exponents: Float[Tensor, "names names"], chosen: Bool[Tensor, "names names"]
) -> Float[Tensor, " names"]:
    """Return log(1 + sum of exp) over the chosen exponents of each row, without overflow."""
    masked = exponents.masked_fill(~chosen, -torch.inf)
    one = torch.zeros_like(masked[:, :1])
    return torch.cat([masked, one], 1).logsumexp(1)
