"""The contrastive objective of pretraining on a graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from kgbert.pretraining.pairs import PairBatch

#: Temperature of the similarities.
TEMPERATURE = 0.05


def info_nce(
    left: Float[Tensor, "pairs hidden"],
    right: Float[Tensor, "pairs hidden"],
    no_negatives: Bool[Tensor, "pairs pairs"],
) -> Float[Tensor, " pairs"]:
    """Return the symmetric InfoNCE loss of each pair, with the other pairs as negatives.

    With the similarity s of a left and a right text of unit length, the loss of pair i is the mean
    over both directions of::

        -log(exp(s_ii / t) / sum_j exp(s_ij / t))

    van den Oord et al. 2018 (https://arxiv.org/abs/1807.03748); Remy et al. 2024 (BioLORD-2023,
    https://arxiv.org/abs/2311.16075) used it for names and texts from an ontology.

    Args:
        left: Vectors of unit length.
        right: Vectors of unit length; row i belongs with row i of ``left``.
        no_negatives: Combinations that are left out of the sum, because they may be true.
    """
    logits = (left @ right.T / TEMPERATURE).masked_fill(no_negatives, -torch.inf)
    own = torch.arange(len(logits), device=logits.device)
    rows = nn.functional.cross_entropy(logits, own, reduction="none")
    columns = nn.functional.cross_entropy(logits.T, own, reduction="none")
    return (rows + columns) / 2


class PairCollator:
    """Tokenizes the texts of one batch of pairs."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self.tokenizer, self.max_length = tokenizer, max_length

    def __call__(self, batches: Sequence[PairBatch]) -> dict[str, Tensor]:
        """Return the tokens of the left and the right texts of the only batch."""
        (batch,) = batches
        collated = {"no_negatives": torch.from_numpy(batch.no_negatives)}
        for side in ("left", "right"):
            tokens = self.tokenizer(
                [getattr(pair, side) for pair in batch.pairs],
                truncation=True,
                max_length=self.max_length,
                padding=True,
                return_tensors="pt",
            )
            collated |= {f"{side}_{name}": tokens[name] for name in ("input_ids", "attention_mask")}
        return collated


class ContrastiveLearning:
    """The objective: a text is nearer to its entity's name than to other names."""

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, ""]:
        """Return the mean loss of the pairs of a batch."""
        left, right = _vectors(model, batch, "left"), _vectors(model, batch, "right")
        return info_nce(left, right, batch["no_negatives"]).mean()

    def statistics(
        self, model: nn.Module, batch: dict[str, Tensor]
    ) -> Float[Tensor, "batches values"]:
        """Return loss, number of pairs and number of pairs whose texts are nearest."""
        left, right = _vectors(model, batch, "left"), _vectors(model, batch, "right")
        losses = info_nce(left, right, batch["no_negatives"])
        similarity = (left @ right.T).masked_fill(batch["no_negatives"], -torch.inf)
        nearest = similarity.argmax(1) == torch.arange(len(left), device=left.device)
        count = torch.tensor(float(len(left)), device=left.device)
        return torch.stack([losses.sum(), count, nearest.float().sum()]).unsqueeze(0)

    def metrics(self, sums: NDArray[Any]) -> dict[str, float]:
        """Return loss, and the share of names whose own text is nearest in the batch."""
        loss, count, nearest = np.asarray(sums).tolist()
        return {"loss": loss / count, "accuracy": nearest / count}


def _vectors(
    model: nn.Module, batch: dict[str, Tensor], side: str
) -> Float[Tensor, "pairs hidden"]:
    mask = batch[f"{side}_attention_mask"]
    states = model(input_ids=batch[f"{side}_input_ids"], attention_mask=mask).last_hidden_state
    weights = mask.unsqueeze(-1)
    mean = (states.float() * weights).sum(1) / weights.sum(1)
    return nn.functional.normalize(mean, dim=-1)
