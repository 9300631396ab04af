"""Feature vectors of the entities of a graph, stored in half precision."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from kgbert.features.pretrained import check_tokenizer, load_pretrained, load_tokenizer
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.verbalize import verbalize
from kgbert.utils.device import has_fast_bf16
from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import open_matrices, save_matrices

logger = logging.getLogger(__name__)

#: Fewest vectors in the sample that is hashed and checked, if there are as many.
_HASHED = 50_000


@dataclass(frozen=True, eq=False)
class EntityFeatures:
    """One vector for each entity, and the encoder that computed them."""

    vectors: NDArray[np.float16]
    """Shape (entities, features); memory-mapped after loading."""
    encoder: str
    """Name or folder of the frozen encoder."""
    encoder_hash: str
    """SHA-256 of its weights."""
    graph_hash: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the vectors; for large matrices, of an evenly spaced sample."""
        return hashlib.sha256(np.ascontiguousarray(self._sample).tobytes()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the vectors atomically to a safetensors file."""
        about = {
            "encoder": self.encoder,
            "encoder_hash": self.encoder_hash,
            "graph_hash": self.graph_hash,
        }
        save_matrices(path, {"vectors": self.vectors}, about)

    @classmethod
    def load(cls, path: Path) -> "EntityFeatures":
        """Return the features in a file of :meth:`save`, mapped into memory.

        Raises:
            KGBertError: The file is damaged, has other contents, or vectors that are not finite; in
                a large matrix, an evenly spaced sample is checked.
        """
        matrices, about = open_matrices(path)
        try:
            features = cls(matrices["vectors"], **about)
        except (KeyError, TypeError) as error:
            raise KGBertError(
                f"{path} contains no entity features of this version of kgbert ({error}). Remove "
                "it, and encode the entities again with kgbert.encode_entities(graph, backbone).",
                code="foreign-features",
            ) from error
        if not np.isfinite(features._sample).all():
            raise KGBertError(
                f"{path} contains feature vectors that are not finite. Remove it, and encode the "
                "entities again with kgbert.encode_entities(graph, backbone).",
                code="non-finite-features",
            )
        return features

    @property
    def _sample(self) -> NDArray[np.float16]:
        return self.vectors[:: max(1, len(self.vectors) // _HASHED)]


def load_cached(path: Path) -> EntityFeatures | None:
    """Return the features in a cache file; None if it is missing, or with a warning if damaged.

    Args:
        path: The cache file. After None, the caller computes the features and writes it.
    """
    if not path.exists():
        return None
    try:
        return EntityFeatures.load(path)
    except (KGBertError, ValueError, OSError) as error:
        logger.warning("the features cached in %s are not used and made again: %s", path, error)
        return None


def save_cached(features: EntityFeatures, path: Path) -> None:
    """Write features to a cache file; warn and continue if that fails."""
    try:
        features.save(path)
    except OSError as error:
        logger.warning("the features are not cached: %s", error)


#: Called with the number of encoded entities and the total.
Progress = Callable[[int, int], None]


def encode_entities(
    graph: KnowledgeGraph,
    name_or_path: str,
    *,
    batch_size: int = 128,
    max_length: int = 40,
    progress: Progress | None = None,
    cache: str | Path | None = "~/.cache/kgbert/features",
) -> EntityFeatures:
    """Return one feature vector for each entity: its verbalized neighbourhood, encoded.

    Args:
        graph: The graph; :func:`kgbert.graph.verbalize.verbalize` describes its entities.
        name_or_path: The encoder, usually the backbone before fine-tuning.
        batch_size: Number of entities that are encoded at a time.
        max_length: Maximum number of tokens of a description; longer ones are truncated.
        progress: Called after each batch.
        cache: Folder of vectors cached by texts and encoder; None disables the cache.
    """
    tokenizer = load_tokenizer(name_or_path)
    # Always in single precision, so that the hash does not depend on the saved precision.
    encoder: Any = load_pretrained(AutoModel, name_or_path, dtype=torch.float32).eval()
    check_tokenizer(tokenizer, encoder.config)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    encoder_hash = weights_hash(encoder)
    texts = [verbalize(graph, index) for index in range(len(graph))]
    cache_file = None
    if cache is not None:
        key = "\x1e".join([encoder_hash, str(max_length), graph.hash, *texts])
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
        cache_file = Path(cache).expanduser() / name
        if (cached := load_cached(cache_file)) is not None:
            return replace(cached, encoder=name_or_path)
    if torch.cuda.is_available():
        encoder = encoder.cuda()
    # Texts of similar length are batched together to reduce padding.
    order = np.argsort([len(text) for text in texts], kind="stable")
    vectors = np.zeros((len(texts), encoder.config.hidden_size), np.float16)
    for start in range(0, len(texts), batch_size):
        rows = order[start : start + batch_size]
        vectors[rows] = mean_states(encoder, tokenizer, [texts[row] for row in rows], max_length)
        if progress:
            progress(min(start + batch_size, len(texts)), len(texts))
    features = EntityFeatures(vectors, name_or_path, encoder_hash, graph.hash)
    if cache_file:
        save_cached(features, cache_file)
    return features


def mean_states(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    max_length: int,
) -> NDArray[np.float16]:
    """Return the mean token state of each text, scaled to the length sqrt(hidden)."""
    inputs = tokenizer(
        list(texts), truncation=True, max_length=max_length, padding=True, return_tensors="pt"
    ).to(encoder.device)
    kind = encoder.device.type
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16()):
        states: Tensor = encoder(**inputs).last_hidden_state
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
        yield name, tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
