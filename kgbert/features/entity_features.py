"""Feature vectors of the entities of a graph, stored in half precision."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.features.cache import load_cached, save_cached
from kgbert.features.frozen_encoder import FrozenEncoder
from kgbert.features.pretrained import load_config
from kgbert.features.unknown_tokens import (
    check_graph_is_known,
    check_known_tokens,
    count_unknown,
)
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.verbalize import verbalize
from kgbert.utils.checks import check_positive
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.paths import FEATURE_CACHE, FEATURES_FILE, KNOWLEDGE_FILE
from kgbert.utils.progress import StepCallback
from kgbert.utils.safetensors_io import open_matrices, save_matrices

#: Fewest vectors in the sample that is hashed and checked, if there are as many.
_HASHED = 50_000
#: Maximum number of tokens of a verbalized entity.
MAX_LENGTH = 40


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

    @property
    def model_options(self) -> dict[str, Any]:
        """The fields of the configuration of a model that reads these vectors."""
        return {
            "feature_size": self.vectors.shape[1],
            "feature_encoder_hash": self.encoder_hash,
        }

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


def unread_features(graph: KnowledgeGraph, backbone: str) -> EntityFeatures:
    """Return zero vectors, for a model that injects nothing and reads no features."""
    vectors = np.zeros((len(graph), load_config(backbone).hidden_size), np.float16)
    return EntityFeatures(vectors, backbone, "", graph.hash)


def encode_entities(
    graph: KnowledgeGraph,
    name_or_path: str,
    *,
    batch_size: int = 128,
    max_length: int = MAX_LENGTH,
    progress: StepCallback | None = None,
    cache: str | Path | None = FEATURE_CACHE,
) -> EntityFeatures:
    """Return one feature vector for each entity: its verbalized neighbourhood, encoded.

    An encoder that was pretrained with this graph read has its features in its folder, because
    its injection weights fit no others.

    Args:
        graph: The graph; :func:`kgbert.graph.verbalize.verbalize` describes its entities.
        name_or_path: The encoder, usually the backbone before fine-tuning.
        batch_size: Number of entities that are encoded at a time.
        max_length: Maximum number of tokens of a description; longer ones are truncated.
        progress: Called after each batch.
        cache: Folder of vectors cached by texts and encoder; None disables the cache.

    Raises:
        KGBertError: Most tokens of the graph are unknown to the tokenizer.
    """
    check_positive(batch_size=batch_size, max_length=max_length)
    if (pretrained := _pretrained_features(graph, Path(name_or_path))) is not None:
        return pretrained
    return _encoded(
        graph,
        FrozenEncoder(name_or_path),
        name_or_path,
        batch_size=batch_size,
        max_length=max_length,
        progress=progress,
        cache=cache,
    )


def _encoded(
    graph: KnowledgeGraph,
    encoder: FrozenEncoder,
    name: str,
    *,
    batch_size: int = 128,
    max_length: int = MAX_LENGTH,
    progress: StepCallback | None = None,
    cache: str | Path | None = FEATURE_CACHE,
) -> EntityFeatures:
    """Return the verbalized neighbourhood of each entity, encoded or from the cache."""
    texts = [verbalize(graph, index) for index in range(len(graph))]
    check_graph_is_known(encoder.tokenizer, texts, max_length)
    cache_file = None
    if cache is not None:
        key = "\x1e".join([encoder.hash, str(max_length), graph.hash, *texts])
        file = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
        cache_file = Path(cache).expanduser() / file
        if (cached := load_cached(cache_file, EntityFeatures.load)) is not None:
            return replace(cached, encoder=name)
    vectors = encoder.encode(texts, max_length=max_length, batch_size=batch_size, progress=progress)
    features = EntityFeatures(vectors, name, encoder.hash, graph.hash)
    if cache_file:
        save_cached(features.save, cache_file)
    return features


def _pretrained_features(graph: KnowledgeGraph, folder: Path) -> EntityFeatures | None:
    """Return the features with which injection weights in a folder were trained, if it has any."""
    if not all((folder / name).is_file() for name in (KNOWLEDGE_FILE, FEATURES_FILE)):
        return None
    features = EntityFeatures.load(folder / FEATURES_FILE)
    return features if features.graph_hash == graph.hash else None


def encode_changed_entities(
    graph: KnowledgeGraph,
    former_graph: KnowledgeGraph,
    former: EntityFeatures,
    *,
    progress: StepCallback | None = None,
) -> tuple[EntityFeatures, int]:
    """Return the features of a graph in the place of another one, and how many were encoded anew.

    An entity whose verbalized neighbourhood occurs in the former graph keeps its vector, bit for
    bit.

    Args:
        graph: The new graph.
        former_graph: The graph before.
        former: Its features.
        progress: Called after each batch.

    Raises:
        KGBertError: The encoder of the features cannot be loaded, or has other weights now.
    """
    places = {verbalize(former_graph, index): index for index in range(len(former_graph))}
    texts = [verbalize(graph, index) for index in range(len(graph))]
    fresh = list(dict.fromkeys(text for text in texts if text not in places))
    if len(fresh) == len(set(texts)) and fresh:
        # Another graph altogether, whose vectors are worth caching.
        # The features in the folder of a pretrained encoder are those of its own backbone.
        encoder = _checked_encoder(former)
        return _encoded(graph, encoder, former.encoder, progress=progress), len(graph)
    vectors = former.vectors
    if fresh:
        encoder = _checked_encoder(former)
        # An edit is judged like a text: the encoder knows the rest of the graph.
        rows = encoder.tokenizer(fresh, truncation=True, max_length=MAX_LENGTH)["input_ids"]
        check_known_tokens(encoder.tokenizer, count_unknown(encoder.tokenizer, rows))
        encoded = encoder.encode(fresh, max_length=MAX_LENGTH, progress=progress)
        places.update((text, len(vectors) + place) for place, text in enumerate(fresh))
        vectors = np.concatenate([vectors, encoded])
    rows = vectors[[places[text] for text in texts]]
    anew = sum(places[text] >= len(former_graph) for text in texts)
    return replace(former, vectors=rows, graph_hash=graph.hash), anew


def _checked_encoder(features: EntityFeatures) -> FrozenEncoder:
    """Return the encoder of features, which must still have the same weights."""
    try:
        encoder = FrozenEncoder(features.encoder)
    except (OSError, ValueError) as error:
        raise KGBertError(
            f"the entities of another graph need vectors of the encoder {features.encoder!r}, "
            "from which those of the model come, but it cannot be loaded. Restore it, or encode "
            "the entities with a copy of it: kgbert.encode_entities(graph, 'FOLDER').",
            code="missing-feature-encoder",
            remedies=[Remedy("features", purpose="with the vectors of the entities")],
        ) from error
    if encoder.hash != features.encoder_hash:
        raise KGBertError(
            f"{features.encoder} has the weights {encoder.hash[:12]}, but the entity vectors of "
            f"the model come from {features.encoder_hash[:12]}, so that new vectors would not be "
            "comparable. Restore that checkpoint, or encode the entities with a copy of it: "
            "kgbert.encode_entities(graph, 'FOLDER').",
            code="other-feature-encoder",
            remedies=[Remedy("features", purpose="with the vectors of the entities")],
        )
    return encoder
