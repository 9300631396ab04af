"""Link a whole short text to the entities with the most similar descriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.scoring import Match
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.embedding.name_index import EncodedNames
from kgbert.linking.mention import Candidate, Mention, as_texts
from kgbert.utils.errors import KGBertError, MissingFileError

#: Maximum number of tokens of a text; longer texts are truncated.
_MAX_LENGTH = 128


class DescriptionLinker:
    """Links a whole text by semantic similarity.

    The frozen encoder that computed the entity features encodes texts and entity descriptions:
    "Failure of the kidneys" is near *Renal insufficiency*, although they share no word. Like
    :class:`kgbert.linking.dictionary.char_ngram.CharNgramLinker` it is intended for texts that
    resemble names. Its candidates are uncertain: the model's attention weighs them, and the null
    entity can reject them all. The graph serves as a retrieval memory, as in a
    k-nearest-neighbour language model (Khandelwal et al. 2020, arXiv:1911.00172).
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        encoder: NameEncoder,
        features: EntityFeatures | None = None,
        *,
        candidates: int = 8,
        temperature: float = 0.05,
    ) -> None:
        """Combine the parts; use :meth:`from_pretrained` to make them.

        Args:
            graph: The graph whose entities are the candidates.
            encoder: Encodes texts without folding, as the features of descriptions are computed.
            features: Entity features of the same encoder; None computes them on first use.
            candidates: Number of candidates per text.
            temperature: A candidate's score is ``exp((cosine - the best's cosine) / temperature)``.

        Raises:
            KGBertError: The features belong to another encoder or another graph.
        """
        self.graph, self.encoder, self._features = graph, replace(encoder, folds=False), features
        self.candidates, self.temperature = candidates, temperature
        if features is not None and not self._is_compatible(features):
            raise KGBertError(
                f"the entity features were computed of another graph or by another encoder "
                f"({features.encoder}), so texts cannot be compared with them; compute them with "
                f"kgbert.encode_entities(graph, {encoder.model.name_or_path!r}).",
                code="features-of-another-encoder",
            )

    @classmethod
    def from_pretrained(
        cls, graph: KnowledgeGraph, name_or_path: str | Path
    ) -> "DescriptionLinker":
        """Return the linker of an encoder, usually the backbone before fine-tuning."""
        return cls(graph, NameEncoder.from_pretrained(name_or_path, max_length=_MAX_LENGTH))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings with which :meth:`from_settings` rebuilds the linker."""
        return {
            "encoder": str(self.encoder.model.name_or_path),
            "weights": self.encoder.hash,
            "candidates": self.candidates,
            "temperature": self.temperature,
        }

    def save_files(self, folder: Path) -> dict[str, Any]:
        """Write an encoder from a local folder into a folder; return the settings.

        An encoder from the hub is not copied; its name identifies it.
        """
        if Path(str(self.encoder.model.name_or_path)).is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            self.encoder.save(folder)
        return self.settings

    @classmethod
    def from_settings(
        cls, graph: KnowledgeGraph, settings: Mapping[str, Any]
    ) -> "DescriptionLinker":
        """Return the linker with these settings, with its encoder loaded from its folder.

        If the setting ``folder`` names a folder that contains an encoder, that one is loaded.

        Raises:
            MissingFileError: The folder of the encoder is missing.
            KGBertError: The folder contains another encoder.
        """
        options = dict(settings)
        path, weights = options.pop("encoder"), options.pop("weights")
        folder = options.pop("folder", "")
        if folder and (Path(folder) / "config.json").is_file():
            path = folder
        if Path(path).is_absolute() and not Path(path).is_dir():
            raise MissingFileError(
                f"{path}: no such folder; it contained the encoder with which the linker compares "
                "texts with the graph. Restore it, or train again with an encoder in another "
                "folder.",
                code="missing-linker-encoder",
            )
        encoder = NameEncoder.from_pretrained(path, max_length=_MAX_LENGTH)
        encoder.check(weights, path, "train again.")
        return cls(graph, encoder, **options)

    def use_features(self, features: EntityFeatures) -> None:
        """Search these vectors if they belong to this encoder and this graph."""
        if self._is_compatible(features):
            self._features = features

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return at most one mention per text, which spans the whole text.

        Raises:
            KGBertError: Most tokens of the texts or of the graph are unknown to the tokenizer.
        """
        texts = as_texts(texts)
        non_empty = [text for text in texts if text.strip()]
        if not non_empty or not len(self.graph):
            return [[] for _ in texts]
        self.encoder.check_known_tokens(non_empty)
        found = self._entities.nearest(self.encoder.encode(non_empty), self.candidates)
        near = iter(zip(*(part.tolist() for part in found), strict=True))
        return [
            [Mention(0, len(text), self._scored(*next(near)))] if text.strip() else []
            for text in texts
        ]

    def matches(self, surface: str) -> list[Match]:
        """Return the entities with the most similar descriptions as matches."""
        return [
            Match(
                entity,
                score,
                self.graph.name(self.graph.index(entity)),
                "",
                ("description",),
            )
            for mentions in self([surface])
            for mention in mentions
            for entity, score in mention.candidates
        ]

    def _scored(
        self, similarities: Sequence[float], entities: Sequence[int]
    ) -> tuple[Candidate, ...]:
        relative = np.exp((np.array(similarities) - similarities[0]) / self.temperature)
        scores = np.maximum(relative.round(4), 1e-4).tolist()
        return tuple(
            Candidate(self.graph.entity_ids[entity], score)
            for entity, score in zip(entities, scores, strict=True)
        )

    @cached_property
    def _entities(self) -> EncodedNames:
        """The vectors of the entities' descriptions, normalized to length one."""
        features = self._features
        if features is None:
            features = encode_entities(self.graph, str(self.encoder.model.name_or_path))
        vectors = features.vectors.astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        return EncodedNames(vectors.astype(np.float16), np.arange(len(vectors), dtype=np.int32))

    def _is_compatible(self, features: EntityFeatures) -> bool:
        same = features.encoder_hash == self.encoder.hash
        return same and features.graph_hash == self.graph.hash
