"""Encode the names of a graph and the mentions of texts with a backbone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    AutoModel,
    BatchEncoding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kgbert.features.backbones import family_of
from kgbert.features.frozen_encoder import weights_hash
from kgbert.features.pretrained import check_tokenizer, load_pretrained, load_tokenizer
from kgbert.features.unknown_tokens import (
    check_graph_is_known,
    check_known_tokens,
    count_unknown,
)
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import KGBertError
from kgbert.utils.progress import StepCallback
from kgbert.utils.registry import lookup

#: Names per batch: of a graph, and of a text.
_MANY, _FEW = 256, 32


@dataclass(frozen=True, eq=False)
class NameEncoder:
    """A backbone that encodes each name as a vector of length one.

    By default names are folded first (Unicode form and case), so that the vector of a name does not
    depend on its position in a sentence.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pooling: str = "mean"
    """A name in POOLINGS."""
    max_length: int = 32
    """Maximum number of tokens; longer names are truncated."""
    folds: bool = True

    def __post_init__(self) -> None:
        lookup(POOLINGS, self.pooling, "pooling")

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, pooling: str = "mean", max_length: int = 32
    ) -> "NameEncoder":
        """Return the encoder of a checkpoint, on the GPU if there is one."""
        # Always in single precision, so that the encoder can be trained.
        model = load_pretrained(AutoModel, name_or_path, dtype=torch.float32).eval()
        tokenizer = load_tokenizer(name_or_path)
        check_tokenizer(tokenizer, model.config)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        if family_of(model.config).read_position == "last":
            # The tokenizer's saved files do not contain the padding side.
            tokenizer.padding_side = "left"
        if torch.cuda.is_available():
            model = model.cuda()
        return cls(model, tokenizer, pooling, max_length)

    def save(self, folder: Path) -> None:
        """Write model and tokenizer in the format of transformers."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the weights, cached; read it only after training."""
        return weights_hash(self.model)

    def check(self, weights: str, folder: str | Path, remedy: str) -> None:
        """Check that these are the weights with which a linker was made.

        Args:
            weights: The hash of the expected weights.
            folder: Where the encoder was loaded from.
            remedy: What to do instead of restoring the expected encoder.

        Raises:
            KGBertError: These are other weights.
        """
        if self.hash != weights:
            raise KGBertError(
                f"{folder}: contains another encoder than the one with which this linker was made, "
                f"so its links would differ; restore that encoder, or {remedy}",
                code="another-linker-encoder",
            )

    def check_known_tokens(self, texts: Sequence[str]) -> None:
        """Raise KGBertError if most tokens of texts are unknown; only warn if there are few."""
        rows = self.tokenizer(self._read(texts), truncation=True, max_length=self.max_length)
        check_known_tokens(self.tokenizer, count_unknown(self.tokenizer, rows["input_ids"]))

    def tokens(self, names: Sequence[str]) -> BatchEncoding:
        """Return names as one padded batch on the model's device."""
        inputs: BatchEncoding = self.tokenizer(
            self._read(names),
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_tensors="pt",
        )
        return inputs.to(self.model.device)

    def _read(self, names: Sequence[str]) -> list[str]:
        """Return names as the tokenizer reads them."""
        return [fold_cluster(name) for name in names] if self.folds else list(names)

    def vectors(self, inputs: BatchEncoding) -> Float[Tensor, "names hidden"]:
        """Return a vector of length one for each name of a batch, with gradients."""
        states = self.model(**inputs).last_hidden_state.float()
        pooled = POOLINGS[self.pooling](states, inputs["attention_mask"], self._read_position)
        return torch.nn.functional.normalize(pooled, dim=-1)

    @torch.inference_mode()
    def encode_all(
        self, names: Sequence[str], progress: StepCallback | None = None
    ) -> NDArray[np.float16]:
        """Return the vectors of the names of a graph in half precision, without gradients.

        Raises:
            KGBertError: Most tokens are unknown to the tokenizer.
        """
        check_graph_is_known(self.tokenizer, self._read(names), self.max_length)
        vectors = np.zeros((len(names), self.model.config.hidden_size), np.float16)
        kind, done = self.model.device.type, 0
        for rows in alike_in_length(names, _MANY):
            inputs = self.tokens([names[row] for row in rows])
            with torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16()):
                vectors[rows] = self.vectors(inputs).half().cpu().numpy()
            done += len(rows)
            if progress:
                progress(done, len(names))
        return vectors

    @torch.inference_mode()
    def encode(self, names: Sequence[str]) -> Float[Tensor, "names hidden"]:
        """Return the vectors of a few names in single precision, independent of the batch."""
        vectors = torch.zeros(len(names), self.model.config.hidden_size)
        for rows in alike_in_length(names, _FEW):
            vectors[rows] = self.vectors(self.tokens([names[row] for row in rows])).cpu()
        return vectors

    @property
    def _read_position(self) -> int:
        return 0 if family_of(self.model.config).reads_first_token else -1


def alike_in_length(names: Sequence[str], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of names of similar length, which keeps padding small."""
    order = np.argsort([len(name) for name in names], kind="stable")
    for start in range(0, len(names), size):
        yield order[start : start + size]


def mean(
    states: Float[Tensor, "names tokens hidden"], mask: Tensor, read_position: int
) -> Float[Tensor, "names hidden"]:
    """Return the mean of each name's token states."""
    weights = mask.unsqueeze(-1)
    return (states * weights).sum(1) / weights.sum(1)


def cls(
    states: Float[Tensor, "names tokens hidden"], mask: Tensor, read_position: int
) -> Float[Tensor, "names hidden"]:
    """Return the state of the token that the backbone's own heads use."""
    if read_position == 0:
        return states[:, 0]
    positions = torch.arange(states.shape[1], device=states.device)
    return states[torch.arange(len(states)), (positions * mask).argmax(1)]


#: Pooling functions: token states of a name -> one vector.
POOLINGS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {"mean": mean, "cls": cls}
