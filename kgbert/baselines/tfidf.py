"""TF-IDF with linear models: what the words alone tell, without an encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The logit of a label that no text has, and, negated, of a label that all texts have.
_NEVER = -20.0


class TfidfVectors:
    """TF-IDF of words and pairs of words.

    A text may have several parts, such as the two texts of a pair: each part has columns of its
    own, and the cosine similarity of the first two is one more column.

    Args:
        texts: The parts of each text that determine the vocabulary, equally many for all.
    """

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        # Words of one letter count, since a text may have no other.
        self._vectorizer = TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+"
        )
        # One vocabulary makes the parts comparable.
        self._vectorizer.fit(part for text in texts for part in text)

    def __call__(self, texts: Sequence[Sequence[str]]) -> Any:
        """Return a sparse matrix with a row for each text."""
        from scipy.sparse import csr_matrix, hstack

        parts = [self._vectorizer.transform(column) for column in zip(*texts, strict=True)]
        if len(parts) > 1:
            parts.append(csr_matrix(parts[0].multiply(parts[1]).sum(axis=1)))
        return hstack(parts).tocsr()


class TfidfModel:
    """Linear models over :class:`TfidfVectors`; the outputs are those of a task head.

    Labels have a logistic regression each, numbers a ridge regression.

    Args:
        strength: Inverse of the regularization: C of a logistic regression, 1 / alpha of a ridge
            regression.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self._models: list[Any] = []

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(model.coef_.size + 1 for model in self._models if hasattr(model, "coef_"))

    def fit_labels(self, inputs: Any, targets: NDArray[np.floating[Any]]) -> None:
        """Learn which labels a text has.

        Args:
            inputs: The vectors of the texts.
            targets: Shape (texts, labels), 1 for the labels of a text and 0 for all others.
        """
        self._models = [self._label_model(inputs, column) for column in targets.T]

    def fit_values(self, inputs: Any, values: NDArray[np.floating[Any]]) -> None:
        """Learn the number of a text from its vector; the values have the shape (texts,)."""
        from sklearn.linear_model import Ridge

        self._models = [Ridge(alpha=1 / self.strength).fit(inputs, values)]

    def outputs(self, inputs: Any) -> NDArray[np.float64]:
        """Return the logits of labels, or predicted numbers; shape (texts, outputs)."""
        return np.column_stack(
            [
                np.full(inputs.shape[0], model)
                if isinstance(model, float)
                else _output(model, inputs)
                for model in self._models
            ]
        )

    def _label_model(self, inputs: Any, target: NDArray[np.floating[Any]]) -> Any:
        from sklearn.linear_model import LogisticRegression

        if (target == target[0]).all():
            return -_NEVER if target[0] else _NEVER
        model = LogisticRegression(C=self.strength, solver="liblinear", random_state=0)
        return model.fit(inputs, target)


def _output(model: Any, inputs: Any) -> NDArray[np.float64]:
    """Return the log-odds of a logistic regression, or the number of a ridge regression."""
    function = getattr(model, "decision_function", model.predict)
    return np.ravel(function(inputs)).astype(np.float64)
