"""String similarity of names, in addition to the similarity of their vectors."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor


class StringSimilarity:
    """Compares names by their character n-grams (cosine of TF-IDF weights).

    An encoder that has never seen a word reads its subwords, and may confuse "choroideraemia" with
    anything; its characters still show that it is "choroideremia".

    >>> similarity = StringSimilarity(["fever", "cough"])
    >>> similarity.similarities(similarity.vectorize(["fevers"]), 0, 2)[0].argmax().item()
    0
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._columns: dict[tuple[int, int], csr_array] = {}

    def vectorize(self, surfaces: Sequence[str]) -> csr_array:
        """Return the weights of surface forms, for :meth:`similarities`."""
        vectorizer, _ = self._weights
        return csr_array(vectorizer.transform(surfaces))

    def similarities(
        self, surfaces: csr_array, first: int, end: int
    ) -> Float[Tensor, "surfaces names"]:
        """Return the similarity of each surface form to the names from first to end."""
        if (first, end) not in self._columns:
            _, rows = self._weights
            self._columns[first, end] = csr_array(rows[first:end].T)
        return torch.from_numpy((surfaces @ self._columns[first, end]).toarray())

    @cached_property
    def _weights(self) -> tuple[Any, csr_array]:
        # Imported here, because scikit-learn takes a second to load.
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32
        )
        return vectorizer, csr_array(vectorizer.fit_transform(self._names))
