"""Score answers by the types of path that lead to them in the graph."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import initialization

from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER


class BatchPaths(NamedTuple):
    """The counted paths of a batch; the names are arguments of ``forward`` of a fused model."""

    path_cells: Int[Tensor, " paths"]
    """``row * targets + target`` of each entry; the targets of words are the tokens of a row."""
    path_types: Int[Tensor, " paths"]
    path_values: Float[Tensor, " paths"]


class PathScorer(nn.Module):
    """Adds a learned weight for each type of path to the score of an answer.

    ``score(x, l) = sum_t w_t f_t(x, l)``, where ``f_t`` is the logarithm of the number of paths of
    type ``t`` from the entities of the text to the entity of label or choice ``l``. For the
    relation of two arguments, and for an answer about two texts, ``f_t(x)`` counts the paths
    between these, and each answer has its own weights. For the tag of a word, ``t`` is an entity
    that paths from the mention of the word lead to. The weights start at zero, so that the scores
    do as well.

    Where a text has several labels, the path of no steps, a mention of the label itself, has a
    further weight for each label: ``score(x, l) += u_l f_same(x, l)``. Some entities are labels of
    most texts that mention them, others of none.

    Weights of path types follow the path ranking algorithm (Lao et al. 2011, EMNLP), counts of
    paths between question and choice Wang et al. 2022 ("GNN is a counter?", arXiv:2110.03192), and
    weights of mentions by label the keyphraseness of Mihalcea and Csomai 2007 (CIKM).

    Args:
        types: Number of types of path.
        outputs: Number of weights of a type: 1, or that of the answers, each with its own.
        labels: Number of labels whose mentions have a weight each.
        same: Position of the path of no steps among the types; -1 for none.
    """

    def __init__(self, types: int, outputs: int = 1, *, labels: int = 0, same: int = -1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(types, outputs))
        self.mention_weight = nn.Parameter(torch.zeros(labels)) if labels else None
        self.same = same

    @property
    def weights(self) -> Float[Tensor, "types outputs"]:
        """The weight of each type of path for each output."""
        return GATE_LR_MULTIPLIER * self.weight

    def weights_of(
        self, types: Int[Tensor, " paths"], targets: Int[Tensor, " paths"]
    ) -> Float[Tensor, "paths outputs"]:
        """Return the weights of paths of some types to some targets.

        Args:
            types: The type of each path.
            targets: The label that each path leads to.
        """
        weights = self.weights[types]
        if self.mention_weight is not None:
            own = GATE_LR_MULTIPLIER * self.mention_weight[targets]
            weights = weights + torch.where(types == self.same, own, 0).unsqueeze(1)
        return weights

    @torch.no_grad()
    def initialize(
        self,
        weights: Float[Tensor, "types outputs"],
        mention_weights: Float[Tensor, " labels"] | None = None,
    ) -> None:
        """Set the weights of types of path, and of the mentions of each label."""
        self.weight.copy_(weights / GATE_LR_MULTIPLIER)
        if self.mention_weight is not None and mention_weights is not None:
            self.mention_weight.copy_(mention_weights / GATE_LR_MULTIPLIER)

    def forward(self, paths: BatchPaths, logits: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return logits of shape (batch, labels) or (batch, tokens, labels) with scores added."""
        outputs = self.weight.shape[1]
        values = paths.path_values.unsqueeze(1).to(self.weight.dtype)
        weights = self.weights_of(paths.path_types, paths.path_cells % logits.shape[-1])
        scores = torch.zeros_like(logits, dtype=self.weight.dtype).reshape(-1, outputs)
        scores = scores.index_add(0, paths.path_cells, values * weights)
        return logits + scores.reshape(logits.shape).to(logits.dtype)


@init_module_weights.register
def _(module: PathScorer) -> None:
    initialization.zeros_(module.weight)
    if module.mention_weight is not None:
        initialization.zeros_(module.mention_weight)


def pop_paths(inputs: dict[str, Any]) -> BatchPaths | None:
    """Remove the paths from a forward call's arguments, and return them."""
    values = [inputs.pop(name, None) for name in BatchPaths._fields]
    return None if values[0] is None else BatchPaths(*values)
