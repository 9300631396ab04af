"""Change the vectors that a model reads: token embeddings of a text, and entity vectors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kgbert.models.base import KGBertPreTrainedModel


@contextmanager
def changed_token_embeddings(
    model: KGBertPreTrainedModel, change: Callable[[Tensor], Tensor]
) -> Iterator[None]:
    """Change the token embeddings of the texts that are read inside the context.

    Args:
        model: The model.
        change: Returns the embeddings to read instead, shape (texts, tokens, size).
    """
    tokens_first = model.family.tokens_first

    def changed(module: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        return change(output.transpose(0, 1)).transpose(0, 1) if tokens_first else change(output)

    handle = token_embeddings_of(model).register_forward_hook(changed)
    try:
        yield
    finally:
        handle.remove()


def token_embeddings_of(model: KGBertPreTrainedModel) -> nn.Module:
    """Return the module that embeds the tokens of the text."""
    backbone = model.backbone
    # Encoder and decoder embed their tokens by modules of their own, even if they share weights.
    reader = backbone.get_encoder() if backbone.config.is_encoder_decoder else backbone
    embeddings: nn.Module = reader.get_input_embeddings()
    return embeddings


def with_erased_elements(vectors: Tensor, kept: Tensor, seeds: Sequence[int]) -> Tensor:
    """Return vectors of which random elements are zero (Zhao and Aletras 2023, arXiv:2305.10496).

    Args:
        vectors: The vectors of all variants, shape (..., size).
        kept: The probability of each element of a vector to be kept, shape (variants, vectors of a
            variant).
        seeds: The seed of the random numbers of each variant; the same seed draws the same numbers.
    """
    shape = kept.shape[1], vectors.shape[-1]
    # Drawn on the CPU, so that all devices erase the same elements.
    drawn = {
        seed: torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds
    }
    is_kept = torch.stack([drawn[seed] for seed in seeds]) < kept.unsqueeze(-1)
    return vectors * is_kept.view(vectors.shape).to(vectors)


class PathPoints:
    """Replaces vectors by points of the path from a baseline to them, and computes gradients there.

    Args:
        fractions: The point of each row of the vectors, 1 at the vectors themselves.
        content: The vectors that change along the path; None for all of them.
        baseline: The vector at the start of the path; None means zero.
    """

    def __init__(
        self, fractions: Tensor, content: Tensor | None = None, baseline: Tensor | None = None
    ) -> None:
        self.fractions, self.content, self.baseline = fractions, content, baseline
        self.leaf: Tensor | None = None
        self.difference = fractions.new_zeros(0)

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return the points, and keep them to compute gradients."""
        vectors = vectors.detach()
        start = (
            torch.zeros_like(vectors) if self.baseline is None else self.baseline.expand_as(vectors)
        )
        if self.content is not None:
            start = torch.where(self.content.unsqueeze(-1), start, vectors)
        self.difference = vectors - start
        fractions = self.fractions.view(-1, *[1] * (vectors.dim() - 1)).to(vectors.dtype)
        self.leaf = (start + fractions * self.difference).requires_grad_()
        return self.leaf

    def products(self, score: Tensor) -> NDArray[np.float64]:
        """Return gradient times difference, summed over each vector."""
        if self.leaf is None:
            return np.zeros(0)
        (gradient,) = torch.autograd.grad(
            score, self.leaf, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        products: NDArray[np.float64] = (gradient * self.difference).sum(-1).double().cpu().numpy()
        return products
