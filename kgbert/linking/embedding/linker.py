"""Link mentions to the entities with the most similar names, by a name encoder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.scoring import Match
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.embedding.abbreviations import (
    definition_spans,
    expand_abbreviations,
    long_forms,
)
from kgbert.linking.embedding.calibration import calibrate
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.embedding.name_index import EncodedNames, distinct_names, encode_names
from kgbert.linking.embedding.search import NameSearch
from kgbert.linking.embedding.settings import EmbeddingSettings
from kgbert.linking.embedding.string_similarity import StringSimilarity
from kgbert.linking.mention import Candidate, Linker, Mention, as_texts
from kgbert.utils.atomic_write import replacing, write_atomically
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import LINKER_FILE, NAMES_FILE
from kgbert.utils.progress import StepCallback

#: Factor of the other candidates' scores where the dictionary is certain.
_OTHERS_FACTOR = 0.1

#: Most surface forms whose candidates are cached.
_CACHE_SIZE = 1 << 16


class EmbeddingLinker:
    """Ranks entities for mentions by the similarity of vectors and strings of their names.

    If the dictionary finds exactly one best entity for a mention, that entity comes first;
    otherwise the entities with the nearest names are the candidates, scored by the calibrated
    probability that each is correct. An abbreviation that the text defines is expanded first.

    The names are encoded once; the search among them is exact. The linker is callable like every
    linker, and ``linker.candidates`` links the spans of other detectors::

        from_gliner(model, labels, linker.candidates)
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        encoder: NameEncoder,
        names: EncodedNames,
        *,
        settings: EmbeddingSettings,
        spans: Linker | None = None,
    ) -> None:
        """Combine the parts; use :meth:`of_graph` or :meth:`from_pretrained` to make them.

        Args:
            graph: Where the names come from.
            encoder: Encoded the names, and encodes surface forms.
            names: The vectors of the graph's names.
            settings: How many candidates a mention has, how they are scored, and the settings of
                the dictionary.
            spans: A linker that finds the spans, such as ``from_gold``; its candidates are ignored.
                None means the mentions of the dictionary, and the abbreviations that a text
                defines.
        """
        self.graph, self.encoder, self.names, self.options = graph, encoder, names, settings
        self.spans = spans
        self._texts, _ = distinct_names(graph)
        self._string_similarity = StringSimilarity(self._texts)
        self._cache: dict[str, tuple[Candidate, ...]] = {}

    @classmethod
    def of_graph(
        cls,
        graph: KnowledgeGraph,
        encoder: NameEncoder,
        *,
        progress: StepCallback | None = None,
    ) -> "EmbeddingLinker":
        """Return the linker of an encoder without training, calibrated on the graph's synonyms."""
        names = encode_names(graph, encoder, progress)
        return cls(graph, encoder, names, settings=EmbeddingSettings()).calibrated()

    @classmethod
    def from_pretrained(
        cls, graph: KnowledgeGraph, folder: str | Path, *, progress: StepCallback | None = None
    ) -> "EmbeddingLinker":
        """Return the linker that ``kgbert train-linker`` wrote, or that of any encoder.

        Args:
            graph: Its names are encoded, unless the folder contains their vectors.
            folder: Of a linker or an encoder, or an encoder's name on the hub.
            progress: Called while names are encoded.
        """
        file = Path(folder) / LINKER_FILE
        if not file.is_file():
            return cls.of_graph(graph, NameEncoder.from_pretrained(folder), progress=progress)
        saved: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        encoder = NameEncoder.from_pretrained(folder, **saved["encoder"])
        names = EncodedNames.load(Path(folder) / NAMES_FILE, graph.hash)
        return cls(
            graph,
            encoder,
            names or encode_names(graph, encoder, progress),
            settings=EmbeddingSettings.from_dict(saved),
        )

    @cached_property
    def dictionary(self) -> DictionaryLinker:
        """The dictionary that finds the mentions, and takes precedence if it is certain."""
        return DictionaryLinker.from_settings(self.graph, self.options.dictionary.as_dict())

    def save(self, folder: str | Path) -> None:
        """Write encoder, vectors and settings atomically, for :meth:`from_pretrained`."""
        with replacing(folder, "linker") as fresh:
            self._write(fresh)
        self.encoder.model.name_or_path = str(Path(folder).absolute())

    @property
    def settings(self) -> dict[str, Any]:
        """What rebuilds this linker on the same graph, ready for JSON."""
        described = self._saved_settings
        folder = str(self.encoder.model.name_or_path)
        if not folder:
            raise KGBertError(
                "the encoder of this linker was trained and is not saved yet, so settings cannot "
                "refer to its folder; call linker.save('FOLDER') first.",
                code="linker-not-saved",
            )
        return {"folder": folder, **described}

    def save_files(self, folder: Path) -> dict[str, Any]:
        """Write encoder and vectors into a folder; return the settings without the folder."""
        described = self._saved_settings
        folder.mkdir(parents=True, exist_ok=True)
        self._write(folder)
        return described

    @classmethod
    def from_settings(cls, graph: KnowledgeGraph, settings: Mapping[str, Any]) -> "EmbeddingLinker":
        """Return the linker that had these settings, with the encoder loaded from its folder.

        Raises:
            KGBertError: The folder contains another encoder now.
        """
        folder = settings["folder"]
        encoder = NameEncoder.from_pretrained(folder, **settings["encoder"])
        remedy = "make the linker again: kgbert train-linker GRAPH --backbone NAME --output FOLDER"
        encoder.check(settings["weights"], folder, remedy)
        names = EncodedNames.load(Path(folder) / NAMES_FILE, graph.hash)
        return cls(
            graph,
            encoder,
            names or encode_names(graph, encoder),
            settings=EmbeddingSettings.from_dict(settings),
        )

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        queries = self.queries(as_texts(texts))
        candidates = self.rank(surface for spans in queries for _, _, surface in spans)
        return [
            [
                Mention(start, end, candidates[surface])
                for start, end, surface in spans
                if candidates[surface]
            ]
            for spans in queries
        ]

    def queries(self, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        """Return the spans of possible mentions in each text, and the surface to search for."""
        return [
            self._queries_of(text, _spans(mentions))
            for text, mentions in zip(texts, (self.spans or self.dictionary)(texts), strict=True)
        ]

    def _queries_of(self, text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
        defined = long_forms(text, spans)
        if self.spans is None:
            spans = sorted({*spans, *definition_spans(text, spans)})
        return [
            (start, end, expand_abbreviations(text[start:end], defined)) for start, end in spans
        ]

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return the candidates of a whole surface form, best first; none if it is NIL."""
        return self.rank([surface])[surface]

    def matches(self, surface: str) -> list[Match]:
        """Return how each of :meth:`candidates` was found: by the dictionary or by the encoder."""
        certain = self.certain_candidate(surface)
        found = {match.entity: match for match in self.dictionary.matches(surface)}
        return [
            found[entity]
            if certain and entity == certain.entity
            else Match(entity, score, self.graph.name(self.graph.index(entity)), "", ("embedding",))
            for entity, score in self.candidates(surface)
        ]

    def certain_candidate(self, surface: str) -> Candidate | None:
        """Return the dictionary's best candidate, unless another one has the same score."""
        best, *others = [*self.dictionary.candidates(surface), None]
        return None if best is None or (others[0] and others[0].score >= best.score) else best

    def rank(self, surfaces: Iterable[str]) -> dict[str, tuple[Candidate, ...]]:
        """Return the candidates of each surface form, searched for in one batch."""
        unique = list(dict.fromkeys(surfaces))
        new = [surface for surface in unique if surface not in self._cache]
        if len(self._cache) + len(new) > _CACHE_SIZE:
            self._cache.clear()
            new = unique
        if new and len(self.names.entities):
            # One more than requested, because the dictionary's candidate may be among them.
            similarity, entity = self._search.nearest(
                new, self.encoder.encode(new), self.options.max_candidates + 1
            )
            for surface, *near in zip(new, similarity.tolist(), entity.tolist(), strict=True):
                self._cache[surface] = self._scored(surface, *near)
        return {surface: self._cache.get(surface, ()) for surface in unique}

    def with_settings(self, **changes: Any) -> "EmbeddingLinker":
        """Return this linker with other settings, the same encoder and the same names."""
        other = copy(self)
        other.options, other._cache = replace(self.options, **changes), {}
        if "dictionary" in changes:
            other.__dict__.pop("dictionary", None)
        return other

    def with_dictionary_settings(self, settings: LinkerSettings) -> "EmbeddingLinker":
        """Return this linker with other dictionary settings, and their number of candidates."""
        # Two candidates are necessary to see that a name is ambiguous.
        dictionary = replace(settings, max_candidates=max(2, settings.max_candidates))
        return self.with_settings(max_candidates=settings.max_candidates, dictionary=dictionary)

    def calibrated(
        self, entities: NDArray[np.int64] | None = None, *, seed: int = 0
    ) -> "EmbeddingLinker":
        """Return this linker with scores calibrated on the graph's synonyms.

        Args:
            entities: Only their names are used; give entities that training has not seen.
            seed: Seed for the sample of names.
        """
        fitted = calibrate(self._search, entities=entities, seed=seed)
        return self.with_settings(calibration=fitted)

    @property
    def _search(self) -> NameSearch:
        return NameSearch(
            self.names,
            self._string_similarity,
            self._texts,
            self.options.string_weight,
            self.options.popularity_weight,
        )

    def _write(self, folder: Path) -> None:
        self.encoder.save(folder)
        self.names.save(folder / NAMES_FILE, self.graph.hash)
        write_atomically(folder / LINKER_FILE, json.dumps(self._encoder_and_settings, indent=2))

    @property
    def _saved_settings(self) -> dict[str, Any]:
        if self.spans is not None:
            raise KGBertError(
                "the spans of this linker come from a callable, which has no settings; save the "
                "linker without it (spans=None), and set `processor.linker` after loading.",
                code="linker-not-saveable",
            )
        return {"weights": self.encoder.hash, **self._encoder_and_settings}

    @property
    def _encoder_and_settings(self) -> dict[str, Any]:
        encoder = {"pooling": self.encoder.pooling, "max_length": self.encoder.max_length}
        return {"encoder": encoder, **self.options.as_dict()}

    def _scored(
        self, surface: str, similarities: Sequence[float], entities: Sequence[int]
    ) -> tuple[Candidate, ...]:
        probability = self.options.calibration.probability
        near = [
            Candidate(self.graph.entity_ids[entity], max(1e-4, round(probability(value), 4)))
            for value, entity in zip(similarities, entities, strict=True)
            if value > -1.5  # less than any cosine: padding
        ]
        kept = [candidate for candidate in near if candidate.score >= self.options.threshold]
        if certain := self.certain_candidate(surface):
            others = (
                Candidate(entity, max(1e-4, round(_OTHERS_FACTOR * min(score, certain.score), 4)))
                for entity, score in kept
                if entity != certain.entity
            )
            kept = [certain, *others]
        return tuple(kept[: self.options.max_candidates])


def _spans(mentions: Iterable[Mention]) -> list[tuple[int, int]]:
    return sorted({(mention.start, mention.end) for mention in mentions})
