"""A frozen encoder, which computes one vector for each text."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModel

from kgbert.features.pretrained import check_tokenizer, load_pretrained, load_tokenizer
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.progress import StepCallback


class FrozenEncoder:
    """A pretrained encoder that is not trained, usually the backbone before fine-tuning.

    Args:
        name_or_path: A checkpoint on the hub or in a folder.
    """

    def __init__(self, name_or_path: str) -> None:
        self.tokenizer = load_tokenizer(name_or_path)
        # Always in single precision, so that the hash does not depend on the saved precision.
        # Weights that the checkpoint lacks (a pooling layer) are drawn with a fixed seed, so that
        # it does not depend on them either.
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model: Any = load_pretrained(AutoModel, name_or_path, dtype=torch.float32).eval()
        check_tokenizer(self.tokenizer, self.model.config)
        if self.model.config.is_encoder_decoder:
            self.model = self.model.get_encoder()
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the weights."""
        return weights_hash(self.model)

    def encode(
        self,
        texts: Sequence[str],
        *,
        max_length: int,
        batch_size: int = 128,
        progress: StepCallback | None = None,
    ) -> NDArray[np.float16]:
        """Return the mean token state of each text, scaled to the length sqrt(hidden).

        Args:
            texts: The texts.
            max_length: Maximum number of tokens of a text; longer ones are truncated.
            batch_size: Number of texts that are encoded at a time.
            progress: Called after each batch.
        """
        if torch.cuda.is_available():
            self.model.cuda()
        # Texts of similar length are batched together to reduce padding.
        order = np.argsort([len(text) for text in texts], kind="stable")
        vectors = np.zeros((len(texts), self.model.config.hidden_size), np.float16)
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            vectors[rows] = self._mean_states([texts[row] for row in rows], max_length)
            if progress:
                progress(min(start + batch_size, len(texts)), len(texts))
        return vectors

    def _mean_states(self, texts: Sequence[str], max_length: int) -> NDArray[np.float16]:
        inputs = self.tokenizer(
            list(texts), truncation=True, max_length=max_length, padding=True, return_tensors="pt"
        ).to(self.model.device)
        kind = self.model.device.type
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16()):
            states: Tensor = self.model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1)
        mean = (states.float() * mask).sum(1) / mask.sum(1)
        unit = torch.nn.functional.normalize(mean, dim=-1) * mean.shape[-1] ** 0.5
        vectors: NDArray[np.float16] = unit.half().cpu().numpy()
        return vectors


def weights_hash(model: torch.nn.Module) -> str:
    """Return the SHA-256 of the weights of a model, which identifies an encoder."""
    digest = hashlib.sha256()
    for name, chunk in _chunks(model):
        digest.update(name.encode())
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(model: torch.nn.Module) -> Iterator[tuple[str, bytes]]:
    for name, tensor in sorted(model.state_dict().items()):
        yield name, tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
