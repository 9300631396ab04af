"""The auxiliary loss that supervises the knowledge attention with gold links."""

from collections.abc import Iterable
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers.utils.generic import ModelOutput

from kgbert.models.inputs import BatchKnowledge
from kgbert.models.layers.injection import KnowledgeContext
from kgbert.models.layers.knowledge_attention import Links

#: Probabilities are clamped from below, which bounds the loss and stops its gradient.
MIN_PROBABILITY = 1e-6

#: The output of any task head.
Output = TypeVar("Output", bound=ModelOutput)


def add_linking_loss(
    output: Output, current: KnowledgeContext, knowledge: BatchKnowledge | None, weight: float
) -> Output:
    """Return a model's output with :func:`linking_loss` in its loss, where gold links are known.

    Args:
        output: With the loss of the task, if there is one.
        current: The pass that made it, with the attention of each link.
        knowledge: What the batch brought.
        weight: Of this loss beside the task's.
    """
    gold = None if knowledge is None else knowledge.link_gold
    links, weights = current.links, current.weights
    if gold is None or links is None or not weights or not weight or output.get("loss") is None:
        return output
    output["loss"] = output["loss"] + weight * linking_loss(weights.values(), links, gold)
    return output


def linking_loss(
    weights: Iterable[Float[Tensor, "links heads"]],
    links: Links,
    gold: Int[Tensor, " links"],
) -> Float[Tensor, ""]:
    """Return the cross-entropy of the attention's choices: the gold candidate, or the null entity.

    The weights of a position's candidates and of the null entity are a distribution in each head;
    so is their mean over the heads, which is what is supervised: heads may differ. The loss is the
    mean over the positions with a gold link and over the injections. The null entity is the target
    where the gold entity is not among the candidates, also because the link was dropped.

    Args:
        weights: What each injection gave to each link.
        links: With the scores that the attention read.
        gold: 1 for a link to the gold entity, 0 for another candidate of a mention whose entity is
            known, negative where nothing is known.
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
