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
    """``row * targets + target`` of each entry."""
    path_types: Int[Tensor, " paths"]
    path_values: Float[Tensor, " paths"]


class PathScorer(nn.Module):
    """Adds a learned weight for each type of path to the score of an answer.

    ``score(x, l) = sum_t w_t f_t(x, l)``, where ``f_t`` is the logarithm of the number of paths of
    type ``t`` from the entities of the text to the entity of label or choice ``l``. For the
    relation of two arguments, ``f_t(x)`` counts the paths between them, and each relation has its
    own weights. The weights start at zero, so that the scores do as well.

    Weights of path types follow the path ranking algorithm (Lao et al. 2011, EMNLP), and counts of
    paths between question and choice Wang et al. 2022 ("GNN is a counter?", arXiv:2110.03192).
    """

    def __init__(self, types: int, outputs: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(types, outputs))

    @property
    def weights(self) -> Float[Tensor, "types outputs"]:
        """The weight of each type of path for each output."""
        return GATE_LR_MULTIPLIER * self.weight

    def forward(
        self, paths: BatchPaths, logits: Float[Tensor, "batch labels"]
    ) -> Float[Tensor, "batch labels"]:
        """Return logits with the scores of the paths added."""
        outputs = self.weight.shape[1]
        values = paths.path_values.unsqueeze(1).to(self.weight.dtype)
        scores = self.weight.new_zeros(logits.numel() // outputs, outputs)
        scores = scores.index_add(0, paths.path_cells, values * self.weights[paths.path_types])
        return logits + scores.view_as(logits).to(logits.dtype)


@init_module_weights.register
def _(module: PathScorer) -> None:
    initialization.zeros_(module.weight)


def pop_paths(inputs: dict[str, Any]) -> BatchPaths | None:
    """Remove the paths from a forward call's arguments, and return them."""
    values = [inputs.pop(name, None) for name in BatchPaths._fields]
    return None if values[0] is None else BatchPaths(*values)
