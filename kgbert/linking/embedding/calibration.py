"""From a similarity to the probability that it is right, and to the point where it says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from kgbert.linking.embedding.name_index import EncodedNames
from kgbert.linking.embedding.search import NameSearch

#: Names that are looked up among the others to calibrate.
_SAMPLE = 2_000


@dataclass(frozen=True)
class Calibration:
    """A logistic curve: the probability that the nearest entity is the right one.

    ``p = 1 / (1 + exp(-slope (similarity - midpoint)))`` (Platt 1999).

    >>> Calibration(midpoint=0.5, slope=10.0).probability(0.5)
    0.5
    """

    midpoint: float = 0.7
    slope: float = 12.0

    def probability(self, similarity: float) -> float:
        """Return the probability of a similarity, never quite 0 or 1."""
        return float(1 / (1 + np.exp(-self.slope * (similarity - self.midpoint))))


def fit_calibration(similarities: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Return the curve that fits best; it always rises.

    >>> fitted = fit_calibration([0.9, 0.8, 0.85, 0.5, 0.4], [True, True, True, False, False])
    >>> fitted.probability(0.9) > 0.5 > fitted.probability(0.4)
    True
    """
    # Two observations that always hold keep the curve rising and finite, however few there are.
    x = np.array([*similarities, 1.0, -1.0])[:, None]
    fitted = LogisticRegression(C=100.0).fit(x, np.array([*right, True, False]))
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return Calibration(round(-float(fitted.intercept_[0]) / slope, 4), round(slope, 4))


def calibrate(
    names: EncodedNames | NameSearch,
    *,
    entities: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Calibration:
    """Return the calibration that a graph's own synonyms suggest.

    A name is looked up among all the others; it is right where another name of its entity is
    nearest. Names without a synonym are what NIL is like.

    Args:
        names: Encoded by the encoder to calibrate, or the search among them.
        entities: Only names of these are looked up: those that training has not seen. All if None.
        seed: Draws the names where there are many.
    """
    eligible = np.arange(len(names.entities))
    if entities is not None and len(entities):
        eligible = np.flatnonzero(np.isin(names.entities, entities))
    drawn = np.sort(np.random.default_rng(seed).permutation(eligible)[:_SAMPLE])
    if len(drawn) < 2:
        return Calibration()
    similarity, entity = names.others(drawn)
    near = similarity[:, 0].isfinite().numpy()
    right = entity[:, 0].numpy() == names.entities[drawn]
    return fit_calibration(similarity[:, 0].numpy()[near].tolist(), right[near].tolist())


def best_threshold(
    scores: Sequence[float], right: Sequence[bool], stay: Sequence[bool], *, gold: int
) -> float:
    """Return the score below which mentions of whole texts are better left out, by their F1.

    Of the thresholds with the best F1 the lowest is taken.

    Args:
        scores: Of the best candidate of each mention that was found.
        right: Whether its span and that candidate are those of a gold mention.
        stay: Whether it is never left out.
        gold: Gold mentions there are.

    >>> correct, kept = [True, True, False, False], [False, False, False, True]
    >>> best_threshold([0.9, 0.6, 0.2, 0.1], correct, kept, gold=2)
    0.4
    """
    levels, group = np.unique(np.array(scores, float), return_inverse=True)
    leaves = ~np.array(stay, bool)
    left_out = np.append(0, np.bincount(group, leaves, len(levels)).cumsum())
    lost = np.append(0, np.bincount(group, leaves & np.array(right, bool), len(levels)).cumsum())
    # Half of F1's parts: F1 = 2 right / (found + gold).
    f1 = (sum(right) - lost) / np.maximum(len(scores) - left_out + gold, 1)
    return _between(levels, int(f1.argmax()))


def _between(levels: NDArray[np.float64], refused: int) -> float:
    """Return a threshold that refuses the lowest levels, so many of them."""
    if refused == 0:
        return 0.0
    above = levels[refused] if refused < len(levels) else 1.0
    return round(float(levels[refused - 1] + above) / 2, 4)
