"""Link a whole short text to the entities whose names look most like it."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.dictionary.scoring import Match
from kgbert.linking.mention import Candidate, Mention, as_texts

#: Texts compared at once; bounds the memory of the similarities.
_BLOCK = 256


class CharNgramLinker:
    """Proposes entities for a text as a whole, by the character n-grams it shares with names.

    It is for texts that are themselves names, or nearly: diagnoses, products, occupations,
    titles. A dictionary finds a name only where it stands; this finds "Neonatal jaundice due to
    bleeding" near "Neonatal hyperbilirubinemia" and "Prolonged neonatal jaundice". What it
    proposes is uncertain, which the score says (cosine of TF-IDF weights), and the model's null
    entity may refuse it.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("1", "Chronic kidney disease")
    >>> builder.add_name("2", "Fever")
    >>> linker = CharNgramLinker(builder.build())
    >>> linker(["chronic disease of the kidneys"])[0][0].candidates[0].entity
    '1'
    """

    def __init__(
        self, graph: KnowledgeGraph, *, candidates: int = 4, threshold: float = 0.2
    ) -> None:
        self.graph, self.candidates, self.threshold = graph, candidates, threshold

    @property
    def settings(self) -> dict[str, Any]:
        """What :meth:`from_settings` needs to build the linker again."""
        return {"candidates": self.candidates, "threshold": self.threshold}

    @classmethod
    def from_settings(cls, graph: KnowledgeGraph, settings: Mapping[str, Any]) -> "CharNgramLinker":
        """Return the linker that has these settings, over the names of a graph."""
        return cls(graph, **settings)

    @cached_property
    def _index(self) -> tuple[Any, csr_array]:
        # Imported here: scikit-learn takes a second to load, and the dictionary needs none of it.
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32
        )
        return vectorizer, csr_array(vectorizer.fit_transform(self.graph.names).T)

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return at most one mention a text: all of it."""
        texts = as_texts(texts)
        if not len(self.graph.names):
            return [[] for _ in texts]
        vectorizer, names = self._index
        found: list[list[Mention]] = []
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            similar = csr_array(vectorizer.transform(block)) @ names
            for row, text in enumerate(block):
                best = self._best(similar[[row]])
                candidates = tuple(Candidate(match.entity, match.score) for match in best)
                found.append([Mention(0, len(text), candidates)] if candidates else [])
        return found

    def matches(self, surface: str) -> list[Match]:
        """Return the name of each entity that looks most like a text, best first."""
        if not len(self.graph.names):
            return []
        vectorizer, names = self._index
        return self._best(csr_array(vectorizer.transform([surface])) @ names)

    def _best(self, similar: csr_array) -> list[Match]:
        """Return the best entities of one row of similarities, ties in the order of entities."""
        near = similar.data >= self.threshold
        best: dict[int, tuple[float, int]] = {}
        for name, score in zip(
            similar.indices[near].tolist(), similar.data[near].tolist(), strict=True
        ):
            entity = int(self.graph.name_entities[name])
            best[entity] = max((score, -name), best.get(entity, (0.0, 0)))
        ranked = sorted(best.items(), key=lambda item: (-round(item[1][0], 6), item[0]))
        return [self._match(entity, *found) for entity, found in ranked[: self.candidates]]

    def _match(self, entity: int, score: float, minus_name: int) -> Match:
        scope = SCOPES[self.graph.name_scopes[-minus_name]]
        return Match(
            self.graph.entity_ids[entity],
            min(1.0, round(score, 4)),
            self.graph.names[-minus_name],
            scope,
            ("char-ngram",),
        )
