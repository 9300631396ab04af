"""Link a whole short text to the entities with the most similar names."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.dictionary.scoring import Match
from kgbert.linking.mention import Candidate, Mention, as_texts

#: Texts per block; bounds the memory of the similarities.
_BLOCK = 256


class CharNgramLinker:
    """Links a whole text by the character n-grams that it shares with names.

    Use it for texts that resemble names: diagnoses, products, occupations, titles. A dictionary
    matches exact names only; this linker links "Neonatal jaundice due to bleeding" to "Neonatal
    hyperbilirubinemia" and "Prolonged neonatal jaundice". Its candidates are uncertain, which
    their scores show (cosine of TF-IDF weights), and the model's null entity can reject them.

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
        """The settings with which :meth:`from_settings` rebuilds the linker."""
        return {"candidates": self.candidates, "threshold": self.threshold}

    @classmethod
    def from_settings(cls, graph: KnowledgeGraph, settings: Mapping[str, Any]) -> "CharNgramLinker":
        """Return the linker with these settings for the names of a graph."""
        return cls(graph, **settings)

    @cached_property
    def _index(self) -> tuple[Any, csr_array]:
        # Imported here, because scikit-learn takes a second to load.
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32
        )
        return vectorizer, csr_array(vectorizer.fit_transform(self.graph.names).T)

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return at most one mention per text, which spans the whole text."""
        texts = as_texts(texts)
        if not len(self.graph.names):
            return [[] for _ in texts]
        vectorizer, names = self._index
        found: list[list[Mention]] = []
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            similar = csr_array(vectorizer.transform(block)) @ names
            for row, text in enumerate(block):
                ranked = self._ranked(similar[[row]])
                candidates = tuple(Candidate(match.entity, match.score) for match in ranked)
                found.append([Mention(0, len(text), candidates)] if candidates else [])
        return found

    def matches(self, surface: str) -> list[Match]:
        """Return the most similar name of each candidate entity, best first."""
        if not len(self.graph.names):
            return []
        vectorizer, names = self._index
        return self._ranked(csr_array(vectorizer.transform([surface])) @ names)

    def _ranked(self, similar: csr_array) -> list[Match]:
        """Return the best entities of one row of similarities; ties by entity index."""
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
