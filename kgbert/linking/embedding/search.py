"""The search for the entities whose names mean, and are spelt, most nearly what a text says."""

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
    """Ranks entities by their names; a likeness is at most one, or hardly more.

    With the cosine c of the vectors, the likeness s of the spelling, and n names of the entity::

        (c + spelling s) / (1 + spelling) + renown log(1 + n)

    The last term parts entities that share a name: the one that has more names is spoken of more.
    """

    names: EncodedNames
    letters: StringSimilarity
    """Of the same names, in the same order."""
    texts: Sequence[str]
    spelling: float
    renown: float

    @property
    def entities(self) -> NDArray[np.int32]:
        """Entity index of each name, ascending."""
        return self.names.entities

    def nearest(
        self,
        said: Sequence[str],
        vectors: Float[Tensor, "said hidden"],
        most: int,
        *,
        hidden: Int[Tensor, " said"] | None = None,
    ) -> tuple[Float[Tensor, "said found"], Int[Tensor, "said found"]]:
        """Return likeness and index of the entities nearest to what texts say, best first.

        Args:
            said: WhitespaceTokens of text.
            vectors: Of the same, of length one.
            most: How many entities to return.
            hidden: For each of them a name that it must not see.
        """
        share = self.spelling / (1 + self.spelling)
        weights = self.letters.weighed(list(map(fold_cluster, said))) * share if share else None
        counts = np.bincount(self.entities) if len(self.entities) else np.zeros(1, int)
        renown = torch.from_numpy(self.renown * np.log1p(counts)).float()
        besides = _Besides(self.letters, weights, renown)
        return self.names.nearest(
            vectors / (1 + self.spelling), most, hidden=hidden, besides=besides
        )

    def others(
        self, names: NDArray[np.int64]
    ) -> tuple[Float[Tensor, "names one"], Int[Tensor, "names one"]]:
        """Return for each of some names the entity whose other names are nearest to it."""
        vectors = torch.from_numpy(self.names.vectors[names]).float()
        said = [self.texts[name] for name in names.tolist()]
        return self.nearest(said, vectors, 1, hidden=torch.from_numpy(names))


@dataclass(frozen=True, eq=False)
class _Besides:
    letters: StringSimilarity
    weights: csr_array | None
    renown: Tensor

    def of_names(self, queries: slice, names: slice) -> Tensor:
        if self.weights is None:
            return torch.tensor(0.0)
        return self.letters.alike(self.weights[queries], names.start, names.stop)

    def of_entities(self, entities: slice) -> Float[Tensor, " entities"]:
        return self.renown[entities]
