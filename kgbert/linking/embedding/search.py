"""Search for the entities whose names are most similar to a surface form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from kgbert.linking.embedding.name_index import EncodedNames
from kgbert.linking.embedding.string_similarity import StringSimilarity
from kgbert.linking.normalization.casefold import fold_cluster


@dataclass(frozen=True, eq=False)
class NameSearch:
    """Ranks entities by the similarity of their names to a surface form.

    With the cosine c of the vectors, the string similarity s, and n names of the entity::

        (c + string_weight s) / (1 + string_weight) + popularity_weight log(1 + n)

    The last term ranks entities that share a name: the one with more names is mentioned more often.
    """

    names: EncodedNames
    string_similarity: StringSimilarity
    """Of the same names, in the same order."""
    texts: Sequence[str]
    """The names."""
    string_weight: float
    popularity_weight: float

    @property
    def entities(self) -> NDArray[np.int32]:
        """Entity index of each name, ascending."""
        return self.names.entities

    def nearest(
        self,
        surfaces: Sequence[str],
        vectors: Float[Tensor, "surfaces hidden"],
        count: int,
        *,
        hidden: Int[Tensor, " surfaces"] | None = None,
    ) -> tuple[Float[Tensor, "surfaces found"], Int[Tensor, "surfaces found"]]:
        """Return similarity and index of the entities nearest to surface forms, best first.

        Args:
            surfaces: The surface forms.
            vectors: Their vectors, of length one.
            count: How many entities to return.
            hidden: For each surface form, a name that is excluded.
        """
        share = self.string_weight / (1 + self.string_weight)
        weights = None
        if share:
            weights = self.string_similarity.vectorize(list(map(fold_cluster, surfaces))) * share
        counts = np.bincount(self.entities) if len(self.entities) else np.zeros(1, int)
        popularity = torch.from_numpy(self.popularity_weight * np.log1p(counts)).float()
        terms = _ScoreTerms(self.string_similarity, weights, popularity)
        return self.names.nearest(
            vectors / (1 + self.string_weight), count, hidden=hidden, score_terms=terms
        )

    def others(
        self, names: NDArray[np.int64]
    ) -> tuple[Float[Tensor, "names one"], Int[Tensor, "names one"]]:
        """Return for each of some names the entity whose other names are nearest to it."""
        vectors = torch.from_numpy(self.names.vectors[names]).float()
        surfaces = [self.texts[name] for name in names.tolist()]
        return self.nearest(surfaces, vectors, 1, hidden=torch.from_numpy(names))


@dataclass(frozen=True, eq=False)
class _ScoreTerms:
    string_similarity: StringSimilarity
    weights: csr_array | None
    popularity: Tensor

    def for_names(self, queries: slice, names: slice) -> Tensor:
        if self.weights is None:
            return torch.tensor(0.0)
        return self.string_similarity.similarities(self.weights[queries], names.start, names.stop)

    def for_entities(self, entities: slice) -> Float[Tensor, " entities"]:
        return self.popularity[entities]
