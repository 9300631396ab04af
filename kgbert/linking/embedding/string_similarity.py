"""How alike names are spelt, beside what they mean."""

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

    An encoder that has never met a word reads its pieces, and may take "choroideraemia" for
    anything; its letters still say that it is "choroideremia".

    >>> spelling = StringSimilarity(["fever", "cough"])
    >>> said = spelling.weighed(["fevers"])
    >>> spelling.alike(said, 0, 2)[0].argmax().item()
    0
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._columns: dict[tuple[int, int], csr_array] = {}

    def weighed(self, said: Sequence[str]) -> csr_array:
        """Return the weights of what texts say, for :meth:`alike`."""
        vectorizer, _ = self._weights
        return csr_array(vectorizer.transform(said))

    def alike(self, said: csr_array, first: int, end: int) -> Float[Tensor, "said names"]:
        """Return how alike each is spelt to the names from first to end."""
        if (first, end) not in self._columns:
            _, rows = self._weights
            self._columns[first, end] = csr_array(rows[first:end].T)
        return torch.from_numpy((said @ self._columns[first, end]).toarray())

    @cached_property
    def _weights(self) -> tuple[Any, csr_array]:
        # Imported here: scikit-learn takes a second to load.
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32
        )
        return vectorizer, csr_array(vectorizer.fit_transform(self._names))
