"""Link mentions to the entities whose names mean most nearly the same."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.features.entity_features import Progress
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
from kgbert.linking.mention import Candidate, Linker, Mention
from kgbert.utils.atomic_write import replacing, write_atomically

SETTINGS_FILE = "kgbert_linker.json"
NAMES_FILE = "names.safetensors"

#: What the other candidates' scores are multiplied by where the dictionary knows the answer.
_REST = 0.1

#: Surfaces whose candidates are remembered.
_REMEMBERED = 1 << 16


class EmbeddingLinker:
    """Ranks entities for mentions by the names that mean, and are spelt, most nearly the same.

    Where the dictionary knows a mention, and knows one meaning, it has the first word; otherwise
    the entities with the nearest names are the candidates, with the probability that each is
    right as its score. A short form that the text defines is asked for by its long form.

    The names are encoded once; the search among them is exact. Callable like every linker, and
    ``linker.candidates`` gives a meaning to the spans of others::

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
        """Put the parts together; :meth:`of_graph` and :meth:`from_pretrained` make them.

        Args:
            graph: Where the names come from.
            encoder: Encoded the names, and encodes what mentions say.
            names: The graph's.
            settings: How many candidates a mention keeps, how they are scored, and what the
                dictionary forgives.
            spans: A linker that finds the mentions, whatever it takes them to mean, as
                ``from_gold`` does; None means what the dictionary finds, and the short forms
                that a text defines.
        """
        self.graph, self.encoder, self.names, self.options = graph, encoder, names, settings
        self.spans = spans
        self._texts, _ = distinct_names(graph)
        self._letters = StringSimilarity(self._texts)
        self._known: dict[str, tuple[Candidate, ...]] = {}

    @classmethod
    def of_graph(
        cls,
        graph: KnowledgeGraph,
        encoder: NameEncoder,
        *,
        progress: Progress | None = None,
    ) -> "EmbeddingLinker":
        """Return the linker of an encoder as it is, calibrated on the graph's own synonyms."""
        names = encode_names(graph, encoder, progress)
        return cls(graph, encoder, names, settings=EmbeddingSettings()).calibrated()

    @classmethod
    def from_pretrained(
        cls, graph: KnowledgeGraph, folder: str | Path, *, progress: Progress | None = None
    ) -> "EmbeddingLinker":
        """Return the linker that ``kgbert train-linker`` wrote, or that of any plain encoder.

        Args:
            graph: Its names are encoded, unless the folder holds their vectors.
            folder: Of a linker or an encoder, or an encoder's name on the hub.
            progress: Called while names are encoded.
        """
        file = Path(folder) / SETTINGS_FILE
        if not file.is_file():
            return cls.of_graph(graph, NameEncoder.from_pretrained(folder), progress=progress)
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        encoder = NameEncoder.from_pretrained(folder, **said["encoder"])
        names = EncodedNames.load(Path(folder) / NAMES_FILE, graph.hash)
        return cls(
            graph,
            encoder,
            names or encode_names(graph, encoder, progress),
            settings=EmbeddingSettings.from_dict(said),
        )

    @cached_property
    def dictionary(self) -> DictionaryLinker:
        """Finds the mentions, unless another linker does, and is asked first what they mean."""
        return DictionaryLinker.from_settings(self.graph, self.options.dictionary.as_dict())

    def save(self, folder: str | Path) -> None:
        """Write encoder, vectors and settings, whole or not at all, for :meth:`from_pretrained`."""
        with replacing(folder, "linker") as fresh:
            self._write(fresh)
        self.encoder.model.name_or_path = str(Path(folder).absolute())

    @property
    def settings(self) -> dict[str, Any]:
        """What rebuilds this linker on the same graph, ready for JSON."""
        described = self._described
        folder = str(self.encoder.model.name_or_path)
        if not folder:
            raise ValueError(
                "this linker's encoder was trained and lies nowhere yet, so no settings can say "
                "where to find it; write linker.save('FOLDER') first."
            )
        return {"folder": folder, **described}

    def save_files(self, folder: Path) -> dict[str, Any]:
        """Write encoder and vectors into a folder; return settings that lack where it lies."""
        described = self._described
        folder.mkdir(parents=True, exist_ok=True)
        self._write(folder)
        return described

    @classmethod
    def from_settings(cls, graph: KnowledgeGraph, settings: Mapping[str, Any]) -> "EmbeddingLinker":
        """Return the linker that had these settings, its encoder read from where it lies.

        Raises:
            ValueError: Another encoder lies there now.
        """
        place = settings["folder"]
        encoder = NameEncoder.from_pretrained(place, **settings["encoder"])
        remedy = "make the linker anew: kgbert train-linker GRAPH --backbone NAME --output FOLDER"
        encoder.check(settings["weights"], place, remedy)
        names = EncodedNames.load(Path(place) / NAMES_FILE, graph.hash)
        return cls(
            graph,
            encoder,
            names or encode_names(graph, encoder),
            settings=EmbeddingSettings.from_dict(settings),
        )

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        if isinstance(texts, str):
            raise TypeError(f"a linker takes a list of texts; give [{texts[:20]!r}] for one text.")
        asked = self.asked(texts)
        meaning = self.rank(surface for of_text in asked for _, _, surface in of_text)
        return [
            [
                Mention(start, end, meaning[surface])
                for start, end, surface in of_text
                if meaning[surface]
            ]
            for of_text in asked
        ]

    def asked(self, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        """Return start and end of what may be a mention in each text, and what is looked for."""
        return [
            self._asked_of(text, _places(mentions))
            for text, mentions in zip(texts, (self.spans or self.dictionary)(texts), strict=True)
        ]

    def _asked_of(self, text: str, places: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
        defined = long_forms(text, places)
        if self.spans is None:
            places = sorted({*places, *definition_spans(text, places)})
        return [
            (start, end, expand_abbreviations(text[start:end], defined)) for start, end in places
        ]

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what a whole piece of text may mean, best first; nothing where it is NIL."""
        return self.rank([surface])[surface]

    def matches(self, surface: str) -> list[Match]:
        """Return how each of :meth:`candidates` was found: by the dictionary's rules, or here."""
        sure = self.known(surface)
        found = {match.entity: match for match in self.dictionary.matches(surface)}
        return [
            found[entity]
            if sure and entity == sure.entity
            else Match(entity, score, self.graph.name(self.graph.index(entity)), "", ("embedding",))
            for entity, score in self.candidates(surface)
        ]

    def known(self, surface: str) -> Candidate | None:
        """Return the meaning that the dictionary is sure of: no other is as good."""
        best, *others = [*self.dictionary.candidates(surface), None]
        return None if best is None or (others[0] and others[0].score >= best.score) else best

    def rank(self, surfaces: Iterable[str]) -> dict[str, tuple[Candidate, ...]]:
        """Return what each surface may mean, all of them searched for together."""
        asked = list(dict.fromkeys(surfaces))
        new = [surface for surface in asked if surface not in self._known]
        if len(self._known) + len(new) > _REMEMBERED:
            self._known.clear()
            new = asked
        if new and len(self.names.entities):
            # One more than is kept, for the dictionary's own answer may be among them.
            similarity, entity = self._search.nearest(
                new, self.encoder.encode(new), self.options.max_candidates + 1
            )
            for surface, *near in zip(new, similarity.tolist(), entity.tolist(), strict=True):
                self._known[surface] = self._chosen(surface, *near)
        return {surface: self._known.get(surface, ()) for surface in asked}

    def with_settings(self, **changes: Any) -> "EmbeddingLinker":
        """Return this linker with other settings, the same encoder and the same names."""
        other = copy(self)
        other.options, other._known = replace(self.options, **changes), {}
        if "dictionary" in changes:
            other.__dict__.pop("dictionary", None)
        return other

    def with_dictionary_settings(self, settings: LinkerSettings) -> "EmbeddingLinker":
        """Return this linker with another dictionary, and as many candidates as that keeps."""
        # It takes two to see that a name has several meanings.
        dictionary = replace(settings, max_candidates=max(2, settings.max_candidates))
        return self.with_settings(max_candidates=settings.max_candidates, dictionary=dictionary)

    def calibrated(
        self, entities: NDArray[np.int64] | None = None, *, seed: int = 0
    ) -> "EmbeddingLinker":
        """Return this linker with the scores that the graph's own synonyms suggest.

        Args:
            entities: Only names of these are asked for: those that training has not seen.
            seed: Draws names where there are many.
        """
        fitted = calibrate(self._search, entities=entities, seed=seed)
        return self.with_settings(calibration=fitted)

    @property
    def _search(self) -> NameSearch:
        spelling, renown = self.options.spelling, self.options.renown
        return NameSearch(self.names, self._letters, self._texts, spelling, renown)

    def _write(self, folder: Path) -> None:
        self.encoder.save(folder)
        self.names.save(folder / NAMES_FILE, self.graph.hash)
        write_atomically(folder / SETTINGS_FILE, json.dumps(self._choices, indent=2))

    @property
    def _described(self) -> dict[str, Any]:
        if self.spans is not None:
            raise ValueError(
                "this linker's spans come from a callable of your own, which no settings "
                "describe; save it without (spans=None), and set `processor.linker` after loading."
            )
        return {"weights": self.encoder.hash, **self._choices}

    @property
    def _choices(self) -> dict[str, Any]:
        reading = {"pooling": self.encoder.pooling, "max_length": self.encoder.max_length}
        return {"encoder": reading, **self.options.as_dict()}

    def _chosen(
        self, surface: str, similarities: Sequence[float], entities: Sequence[int]
    ) -> tuple[Candidate, ...]:
        probability = self.options.calibration.probability
        near = [
            Candidate(self.graph.entity_ids[entity], max(1e-4, round(probability(value), 4)))
            for value, entity in zip(similarities, entities, strict=True)
            if value > -1.5  # less than any cosine: no entity is left
        ]
        kept = [candidate for candidate in near if candidate.score >= self.options.threshold]
        if sure := self.known(surface):
            rest = (
                Candidate(entity, max(1e-4, round(_REST * min(score, sure.score), 4)))
                for entity, score in kept
                if entity != sure.entity
            )
            kept = [sure, *rest]
        return tuple(kept[: self.options.max_candidates])


def _places(mentions: Iterable[Mention]) -> list[tuple[int, int]]:
    return sorted({(mention.start, mention.end) for mention in mentions})
