"""Link a whole short text to the entities whose descriptions mean most nearly the same."""

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

#: Longest text in tokens that is compared; what is longer is cut.
_MAX_LENGTH = 128


class DescriptionLinker:
    """Proposes entities for a text as a whole, by meaning.

    It compares the text with what the graph says of each entity, both read by the frozen encoder
    that made the entity features: "Failure of the kidneys" is near *Renal insufficiency*, with
    which it shares no word. Like
    :class:`kgbert.linking.dictionary.char_ngram.CharNgramLinker` it is for texts that are
    themselves names, or nearly, and what it proposes is uncertain: the model's attention weighs
    the candidates, and its null entity may refuse them all. That every text is told its
    neighbours makes of the graph a memory that the model asks by meaning, as a k-nearest-neighbour
    language model asks its own (Khandelwal et al. 2020, arXiv:1911.00172).
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
        """Put the parts together; :meth:`from_pretrained` makes them.

        Args:
            graph: Its entities are proposed.
            encoder: Reads the texts, as they are written: so features are made of descriptions.
            features: What the same encoder made of the entities; None means that they are made
                when they are first needed.
            candidates: Entities proposed for a text.
            temperature: A candidate's score is ``exp((cosine - the best's cosine) / temperature)``.

        Raises:
            ValueError: The features are another encoder's or another graph's.
        """
        self.graph, self.encoder, self._features = graph, replace(encoder, folds=False), features
        self.candidates, self.temperature = candidates, temperature
        if features is not None and not self._fits(features):
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
        """Return the linker of an encoder, as a rule the backbone before fine-tuning."""
        return cls(graph, NameEncoder.from_pretrained(name_or_path, max_length=_MAX_LENGTH))

    @property
    def settings(self) -> dict[str, Any]:
        """What :meth:`from_settings` needs to build the linker again."""
        return {
            "encoder": str(self.encoder.model.name_or_path),
            "weights": self.encoder.hash,
            "candidates": self.candidates,
            "temperature": self.temperature,
        }

    def save_files(self, folder: Path) -> dict[str, Any]:
        """Write an encoder that lies on this machine into a folder; return the settings.

        One that has a name on the hub is found by its name anywhere.
        """
        if Path(str(self.encoder.model.name_or_path)).is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            self.encoder.save(folder)
        return self.settings

    @classmethod
    def from_settings(
        cls, graph: KnowledgeGraph, settings: Mapping[str, Any]
    ) -> "DescriptionLinker":
        """Return the linker that had these settings, its encoder read from where it lies.

        Where ``folder`` is among the settings and holds an encoder, it is that one.

        Raises:
            FileNotFoundError: No encoder lies there.
            ValueError: Another encoder lies there now.
        """
        options = dict(settings)
        place, weights = options.pop("encoder"), options.pop("weights")
        held = options.pop("folder", "")
        if held and (Path(held) / "config.json").is_file():
            place = held
        if Path(place).is_absolute() and not Path(place).is_dir():
            raise MissingFileError(
                f"{place}: no such folder; it contained the encoder with which the linker compares "
                "texts with the graph. Restore it, or train again with an encoder in another "
                "folder.",
                code="missing-linker-encoder",
            )
        encoder = NameEncoder.from_pretrained(place, max_length=_MAX_LENGTH)
        encoder.check(weights, place, "train again.")
        return cls(graph, encoder, **options)

    def use_features(self, features: EntityFeatures) -> None:
        """Search these vectors where they are what the encoder makes of the graph."""
        if self._fits(features):
            self._features = features

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return at most one mention a text: all of it."""
        texts = as_texts(texts)
        spoken = [text for text in texts if text.strip()]
        if not spoken or not len(self.graph):
            return [[] for _ in texts]
        found = self._entities.nearest(self.encoder.encode(spoken), self.candidates)
        near = iter(zip(*(part.tolist() for part in found), strict=True))
        return [
            [Mention(0, len(text), self._scored(*next(near)))] if text.strip() else []
            for text in texts
        ]

    def matches(self, surface: str) -> list[Match]:
        """Return the names of the entities whose descriptions are nearest to a text."""
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
        odds = np.exp((np.array(similarities) - similarities[0]) / self.temperature)
        scores = np.maximum(odds.round(4), 1e-4).tolist()
        return tuple(
            Candidate(self.graph.entity_ids[entity], score)
            for entity, score in zip(entities, scores, strict=True)
        )

    @cached_property
    def _entities(self) -> EncodedNames:
        """The vectors of the entities' descriptions, each of length one."""
        features = self._features
        if features is None:
            features = encode_entities(self.graph, str(self.encoder.model.name_or_path))
        vectors = features.vectors.astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        return EncodedNames(vectors.astype(np.float16), np.arange(len(vectors), dtype=np.int32))

    def _fits(self, features: EntityFeatures) -> bool:
        same = features.encoder_hash == self.encoder.hash
        return same and features.graph_hash == self.graph.hash
