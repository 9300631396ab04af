"""Calibrate similarities to probabilities, and choose a score threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from kgbert.linking.embedding.name_index import EncodedNames
from kgbert.linking.embedding.search import NameSearch

#: Most names on which a linker is calibrated.
_SAMPLE = 2_000


@dataclass(frozen=True)
class Calibration:
    """A logistic curve: the probability that the nearest entity is the correct one.

    ``p = 1 / (1 + exp(-slope (similarity - midpoint)))`` (Platt 1999).

    >>> Calibration(midpoint=0.5, slope=10.0).probability(0.5)
    0.5
    """

    midpoint: float = 0.7
    slope: float = 12.0

    def probability(self, similarity: float) -> float:
        """Return the probability of a similarity, strictly between 0 and 1."""
        return float(1 / (1 + np.exp(-self.slope * (similarity - self.midpoint))))


def fit_calibration(similarities: Sequence[float], correct: Sequence[bool]) -> Calibration:
    """Return the increasing curve that fits best.

    >>> fitted = fit_calibration([0.9, 0.8, 0.85, 0.5, 0.4], [True, True, True, False, False])
    >>> fitted.probability(0.9) > 0.5 > fitted.probability(0.4)
    True
    """
    # Two fixed observations keep the curve increasing and finite, even without data.
    x = np.array([*similarities, 1.0, -1.0])[:, None]
    fitted = LogisticRegression(C=100.0).fit(x, np.array([*correct, True, False]))
    slope = max(float(fitted.coef_[0, 0]), 1e-3)
    return Calibration(round(-float(fitted.intercept_[0]) / slope, 4), round(slope, 4))


def calibrate(
    names: EncodedNames | NameSearch,
    *,
    entities: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Calibration:
    """Return the calibration on the synonyms of a graph.

    Each name is searched among all others; the result is correct if another name of its entity is
    nearest. Names without a synonym represent NIL.

    Args:
        names: The names, encoded by the encoder to calibrate, or the search among them.
        entities: Only their names are searched; give entities that training has not seen. None
            means all.
        seed: Seed for the sample of names.
    """
    eligible = np.arange(len(names.entities))
    if entities is not None and len(entities):
        eligible = np.flatnonzero(np.isin(names.entities, entities))
    drawn = np.sort(np.random.default_rng(seed).permutation(eligible)[:_SAMPLE])
    if len(drawn) < 2:
        return Calibration()
    similarity, entity = names.others(drawn)
    near = similarity[:, 0].isfinite().numpy()
    correct = entity[:, 0].numpy() == names.entities[drawn]
    return fit_calibration(similarity[:, 0].numpy()[near].tolist(), correct[near].tolist())


def best_threshold(
    scores: Sequence[float], correct: Sequence[bool], always_kept: Sequence[bool], *, gold: int
) -> float:
    """Return the score threshold of mentions that gives the best F1; of several the lowest.

    Args:
        scores: Score of the best candidate of each mention that was found.
        correct: Whether its span and that candidate are those of a gold mention.
        always_kept: Whether it is kept regardless of the threshold.
        gold: Number of gold mentions.

    >>> correct, kept = [True, True, False, False], [False, False, False, True]
    >>> best_threshold([0.9, 0.6, 0.2, 0.1], correct, kept, gold=2)
    0.4
    """
    levels, group = np.unique(np.array(scores, float), return_inverse=True)
    removable = ~np.array(always_kept, bool)
    left_out = np.append(0, np.bincount(group, removable, len(levels)).cumsum())
    lost = np.append(
        0, np.bincount(group, removable & np.array(correct, bool), len(levels)).cumsum()
    )
    # F1 = 2 correct / (found + gold), here without the factor 2.
    f1 = (sum(correct) - lost) / np.maximum(len(scores) - left_out + gold, 1)
    return _between(levels, int(f1.argmax()))


def _between(levels: NDArray[np.float64], excluded: int) -> float:
    """Return a threshold that excludes a number of the lowest levels."""
    if excluded == 0:
        return 0.0
    above = levels[excluded] if excluded < len(levels) else 1.0
    return round(float(levels[excluded - 1] + above) / 2, 4)
