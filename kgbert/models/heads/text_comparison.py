"""Score answers about two texts by how alike the encoder finds them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import initialization

from kgbert.encoding.collation import FIRST, SECOND
from kgbert.models.layers.initialization import init_module_weights
from kgbert.models.layers.injection import masked_mean

#: Similarities lie in a narrow range; the factor spreads them over logits.
FACTOR = 20.0


class TextComparer(nn.Module):
    """Adds the similarity of the two texts of a pair to the score of each answer.

    ``score_o = w_o (20 cos(u, v)) + b_o``, where u and v are the means of the states of the tokens
    of the first and of the second text, which the encoder reads together. w and b start at zero,
    and are fitted before training (:mod:`kgbert.training.evidence.text_comparison`).

    A head that reads one state must learn from the labels what makes two texts alike; sentence
    encoders know it already (Reimers and Gurevych 2019, arXiv:1908.10084), and with few pairs it
    is not learnt anew.

    Args:
        outputs: Number of outputs of the head.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def similarity(
        self, states: Float[Tensor, "batch tokens hidden"], numbers: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, " batch"]:
        """Return the scaled similarity of the two texts of each row.

        Args:
            states: The states of the tokens.
            numbers: The text that each token belongs to, as
                :func:`kgbert.encoding.collation.numbers_of_texts` gives it.
        """
        first, second = (masked_mean(states, numbers == text) for text in (FIRST, SECOND))
        return FACTOR * torch.cosine_similarity(first, second)

    def forward(self, similarity: Float[Tensor, " batch"]) -> Float[Tensor, "batch outputs"]:
        """Return the score of each answer."""
        return similarity.unsqueeze(-1) * self.weight + self.bias


@init_module_weights.register
def _(module: TextComparer) -> None:
    initialization.zeros_(module.weight)
    initialization.zeros_(module.bias)
