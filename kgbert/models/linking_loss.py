"""The auxiliary loss that supervises the knowledge attention with gold links."""

from collections.abc import Iterable
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers.utils.generic import ModelOutput

from kgbert.models.layers.injection import KnowledgeContext
from kgbert.models.layers.knowledge_attention import Links

#: Probabilities are clamped from below, which bounds the loss and stops its gradient.
MIN_PROBABILITY = 1e-6

#: The output of any task head.
Output = TypeVar("Output", bound=ModelOutput)


def add_linking_loss(output: Output, current: KnowledgeContext, weight: float) -> Output:
    """Return the output of a model, with :func:`linking_loss` added if gold links are known.

    Args:
        output: The output, with the loss of the task if there is one.
        current: The context of its forward pass, with the links, their attention weights, and which
            of them are right.
        weight: Weight of this loss in the sum with the task loss.
    """
    links, weights, gold = current.links, current.weights, current.link_gold
    if gold is None or links is None or not weights or not weight or output.get("loss") is None:
        return output
    output["loss"] = output["loss"] + weight * linking_loss(weights.values(), links, gold)
    return output


def linking_loss(
    weights: Iterable[Float[Tensor, "links heads"]],
    links: Links,
    gold: Int[Tensor, " links"],
) -> Float[Tensor, ""]:
    """Return the cross-entropy of the attention weights, with the gold candidate as the target.

    In each head, the weights of the candidates of a position and of the null entity are a
    distribution. The loss supervises their mean over the heads, so that heads can differ. It is
    averaged over the positions with a gold label and over the injections. The target is the null
    entity if the gold entity is not among the candidates, or if link dropout hid it.

    Args:
        weights: The attention weights of the links in each injection.
        links: The links with the scores that the attention read.
        gold: 1 for a link to the gold entity, 0 for another candidate of a mention with a gold
            entity, negative for an unknown gold entity.
    """
    count = len(links.batch_index)
    is_supervised = _total((gold >= 0).float(), links, count) > 0
    right = ((gold == 1) & links.scores.isfinite()).float()
    known = _total(right, links, count) > 0
    losses = []
    for shares in weights:
        share = shares.float().mean(-1)
        null = 1 - _total(share, links, count)
        chosen = torch.where(known, _total(share * right, links, count), null)
        loss = -chosen.clamp(min=MIN_PROBABILITY).log() * is_supervised
        losses.append(loss.sum() / is_supervised.sum().clamp(min=1))
    return torch.stack(losses).mean()


def _total(values: Tensor, links: Links, count: int) -> Float[Tensor, " positions"]:
    return values.new_zeros(count).index_add(0, links.query_index, values)
