"""Read the entities that a model chose off its logits, and choose when to say "none"."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedConfig

from kgbert.encoding.candidates import CandidateSet
from kgbert.encoding.encoded import EncodedText
from kgbert.tasks.gold_links import NIL, UNSAID


class Chosen(NamedTuple):
    """The answer to one mention, and how sure the model is of it."""

    entity: str
    """Its id, or NIL."""
    probability: float
    best: str
    """The likeliest candidate; NIL where there is none."""
    share: float
    """The probability of the best candidate where it or NIL is right."""


def chosen(
    logits: NDArray[np.float32], encoded: EncodedText, config: PreTrainedConfig
) -> list[Chosen]:
    """Return the answer to each mention of a text.

    Args:
        logits: Shape (mentions, 1 + candidates), NIL first; more mentions are padding.
        encoded: The text.
        config: Says when NIL is preferred.
    """
    return [
        _chosen(row, choice, config.nil_threshold)
        for row, choice in zip(logits, encoded.candidate_sets, strict=False)
    ]


def _chosen(logits: NDArray[np.float32], choice: CandidateSet, threshold: float) -> Chosen:
    own = logits[: len(choice.ids) + 1].astype(np.float64)
    if len(own) == 1 or not np.isfinite(own[1:]).any():
        return Chosen(NIL, 1.0, NIL, 0.0)
    shares = np.exp(own - own.max())
    best = int(own[1:].argmax())
    share = float(shares[best + 1] / (shares[best + 1] + shares[0]))
    answer = best + 1 if share >= threshold else 0
    probability = float(shares[answer] / shares.sum())
    return Chosen((NIL, *choice.ids)[answer], probability, choice.ids[best], share)


def best_nil_threshold(answers: Sequence[Sequence[Chosen]], gold: Sequence[Sequence[str]]) -> float:
    """Return the share of the best candidate below which "none" is the better answer.

    Of the thresholds that answer most mentions rightly the one nearest to a half is taken: what
    was learnt is moved no further than the texts ask for.

    Args:
        answers: To each mention of some texts that were not trained on.
        gold: The right answers.

    Returns:
        The threshold; a half where there is no mention to learn it from.
    """
    pairs = [
        (answer.share, answer.best == right, right == NIL)
        for of_text, golds in zip(answers, gold, strict=True)
        for answer, right in zip(of_text, golds, strict=False)
        if right != UNSAID
    ]
    if not pairs:
        return 0.5
    shares, right, nil = (np.array(column) for column in zip(*pairs, strict=True))
    levels = np.unique([0.0, *shares, 1.0])
    thresholds = np.unique([0.5, *(levels[1:] + levels[:-1]) / 2])
    scores = [(np.where(shares >= each, right, nil)).mean() for each in thresholds]
    best = thresholds[np.array(scores) == max(scores)]
    return round(float(best[np.abs(best - 0.5).argmin()]), 4)
