"""Scores of ranked labels: micro-F1 with a threshold from validation texts, and nDCG."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

#: The score of each possible label of a text; a label without score is never predicted.
Ranking = Mapping[str, float]

#: Labels of a text that nDCG reads.
TOP = 10


def choose_threshold(rankings: Sequence[Ranking], gold: Sequence[Set[str]]) -> float:
    """Return the threshold with the best micro-F1.

    >>> choose_threshold([{"a": 0.9, "b": 0.2}], [{"a"}])
    0.55
    """
    scored = zip(rankings, gold, strict=True)
    pairs = [(score, label in own) for x, own in scored for label, score in x.items()]
    scores, is_right = np.array(pairs, np.float64).reshape(-1, 2).T
    order = np.argsort(-scores, kind="stable")
    levels, hits = scores[order], np.cumsum(is_right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + sum(map(len, gold)))
    # A threshold lies between two different scores.
    following = np.append(levels[1:], levels[-1] - 1)
    ends = np.flatnonzero(levels > following)
    best = ends[f1[ends].argmax()]
    return float(levels[best] + following[best]) / 2


def measure(
    rankings: Sequence[Ranking], gold: Sequence[Set[str]], threshold: float, trained: Set[str]
) -> dict[str, float]:
    """Return micro-F1, its parts, micro-F1 on labels without training texts, and nDCG.

    Args:
        rankings: The scores of the labels of each text.
        gold: The labels of each text.
        threshold: The lowest score of a predicted label.
        trained: The labels that have training texts.

    >>> measure([{"a": 0.9, "b": 0.2}], [{"a", "c"}], 0.5, {"a"})["micro_f1"]
    0.666...
    """
    given = [{x for x, score in ranking.items() if score >= threshold} for ranking in rankings]
    unseen = [({*x} - trained, {*own} - trained) for x, own in zip(given, gold, strict=True)]
    return {
        **_micro(given, gold),
        "f1_unseen": _micro(*zip(*unseen, strict=True))["micro_f1"],
        f"ndcg_at_{TOP}": float(np.mean([_ndcg(*x) for x in zip(rankings, gold, strict=True)])),
    }


def count(
    rankings: Sequence[Ranking], gold: Sequence[Set[str]], threshold: float
) -> list[list[int]]:
    """Return for each text the number of right, predicted and gold labels.

    >>> count([{"a": 0.9, "b": 0.2}], [{"a", "c"}], 0.5)
    [[1, 1, 2]]
    """
    found = []
    for ranking, own in zip(rankings, gold, strict=True):
        given = {x for x, score in ranking.items() if score >= threshold}
        found.append([len(given & own), len(given), len(own)])
    return found


def _micro(given: Sequence[Set[str]], gold: Sequence[Set[str]]) -> dict[str, float]:
    hits = sum(len(x & own) for x, own in zip(given, gold, strict=True))
    predicted, wanted = sum(map(len, given)), sum(map(len, gold))
    return {
        "micro_f1": 2 * hits / max(1, predicted + wanted),
        "precision": hits / max(1, predicted),
        "recall": hits / max(1, wanted),
    }


def _ndcg(ranking: Ranking, own: Set[str]) -> float:
    """Return the gain of the first labels, relative to that of the best order.

    A text without labels, of which no order is better than another, has 1, as in Annif.
    """
    if not own:
        return 1.0
    first = sorted(ranking, key=lambda label: (-ranking[label], label))[:TOP]
    discounts = 1 / np.log2(np.arange(2, TOP + 2))
    gains = np.array([label in own for label in first] + [False] * (TOP - len(first)))
    return float(discounts[gains].sum() / discounts[: len(own)].sum())
