"""Metrics of predictions against gold answers, per task."""

from collections import Counter
from collections.abc import Callable, Sequence, Set
from statistics import fmean
from typing import Any

import numpy as np

from kgbert.data.tags import decode_tags
from kgbert.tasks.base import Metric
from kgbert.utils.errors import KGBertError

#: The answer for a mention without an entity in the graph.
NIL = "NIL"

#: The probability from which on an answer is given before the validation examples were seen.
DEFAULT_THRESHOLD = 0.5

#: The gold answer for a mention that no annotated span overlaps; it is not scored.
UNANNOTATED = ""


def classification_scores(expected: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Return accuracy, macro F1 and micro F1 over the labels of texts.

    Macro F1 is the mean over the labels in the gold answers or the predictions.

    >>> classification_scores(["a", "a", "b", "b"], ["a", "a", "b", "a"])["accuracy"]
    0.75
    """
    # Imported lazily, because importing scikit-learn takes a second.
    from sklearn.metrics import accuracy_score, f1_score

    return {
        "accuracy": float(accuracy_score(expected, predicted)),
        "macro_f1": float(f1_score(expected, predicted, average="macro", zero_division=0)),
        "micro_f1": float(f1_score(expected, predicted, average="micro", zero_division=0)),
    }


def seen_and_unseen_scores(
    gold: Sequence[str], predicted: Sequence[str], untrained: Set[str]
) -> dict[str, float]:
    """Return the accuracy on labels with and without training texts, and its harmonic mean.

    In all of them, the label is chosen among all labels (generalised zero-shot prediction).

    >>> seen_and_unseen_scores(["a", "b"], ["a", "a"], frozenset("b"))["harmonic_mean"]
    0.0
    """
    hits: dict[bool, list[float]] = {False: [], True: []}
    for right, answer in zip(gold, predicted, strict=True):
        hits[right in untrained].append(float(right == answer))
    seen, unseen = (fmean(hits[part] or [0.0]) for part in (False, True))
    return {
        "accuracy_seen": seen,
        "accuracy_unseen": unseen,
        "harmonic_mean": 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0,
    }


def span_scores(
    expected: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return precision, recall and F1 over the spans of tag sequences, and their macro F1.

    A span counts as found if its start, end and label are correct. Precision, recall and F1 are
    micro averages over all spans; macro F1 is the mean over the labels in the gold spans or the
    predictions. A score with a zero denominator is 0.

    >>> span_scores([["B-A", "I-A", "O", "B-B"]], [["B-A", "I-A", "O", "B-A"]])
    {'precision': 0.5, 'recall': 0.5, 'f1': 0.5, 'macro_f1': 0.333...}
    """
    wanted, given, found = Counter[str](), Counter[str](), Counter[str]()
    for expected_tags, predicted_tags in zip(expected, predicted, strict=True):
        if len(expected_tags) != len(predicted_tags):
            raise KGBertError(
                f"{len(expected_tags)} expected tags but {len(predicted_tags)} predicted ones; "
                "give one predicted tag for every expected one",
                code="tags-differ-in-number",
            )
        right, answered = set(decode_tags(expected_tags)), set(decode_tags(predicted_tags))
        wanted.update(label for _, _, label in right)
        given.update(label for _, _, label in answered)
        found.update(label for _, _, label in right & answered)
    return _precision_recall_f1(wanted, given, found)


def linking_scores(
    expected: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Return the accuracy over all mentions and over those with an entity in the graph.

    Mentions without annotation are ignored. NIL is scored like a class, by precision, recall and
    F1.

    >>> linking_scores([["HP:1", "NIL", ""]], [["HP:1", "HP:2", "HP:3"]])["accuracy"]
    0.5
    """
    pairs = [
        (right, answer)
        for rights, answers in zip(expected, predicted, strict=True)
        for right, answer in zip(rights, answers, strict=True)
        if right != UNANNOTATED
    ]
    hits = [right == answer for right, answer in pairs]
    inside = [right == answer for right, answer in pairs if right != NIL]
    both_nil = sum(right == answer == NIL for right, answer in pairs)
    predicted_nil, gold_nil = (sum(pair[side] == NIL for pair in pairs) for side in (1, 0))
    return {
        "accuracy": share(sum(hits), len(hits)),
        "accuracy_in_graph": share(sum(inside), len(inside)),
        "nil_precision": share(both_nil, predicted_nil),
        "nil_recall": share(both_nil, gold_nil),
        "nil_f1": share(2 * both_nil, predicted_nil + gold_nil),
    }


def set_scores(
    expected: Sequence[Set[Any]],
    predicted: Sequence[Set[Any]],
    label_of: Callable[[Any], str] = lambda item: "",
) -> dict[str, float]:
    """Return micro precision, recall and F1 over the items of sets, and macro F1 over labels.

    Args:
        expected: The gold items of each text.
        predicted: The predicted items of each text.
        label_of: Returns the label of an item; by default all have the same.

    >>> set_scores([{"a1", "b1"}], [{"a1", "a2"}], label_of=lambda item: item[0])["macro_f1"]
    0.333...
    """
    wanted, given, found = Counter[str](), Counter[str](), Counter[str]()
    for right, answer in zip(expected, predicted, strict=True):
        wanted.update(map(label_of, right))
        given.update(map(label_of, answer))
        found.update(map(label_of, right & answer))
    return _precision_recall_f1(wanted, given, found)


def _precision_recall_f1(
    wanted: Counter[str], given: Counter[str], found: Counter[str]
) -> dict[str, float]:
    """Return the scores from the numbers of gold, predicted and right items by label."""
    labels = wanted.keys() | given.keys()
    return {
        "precision": share(found.total(), given.total()),
        "recall": share(found.total(), wanted.total()),
        "f1": share(2 * found.total(), given.total() + wanted.total()),
        "macro_f1": fmean(
            [share(2 * found[label], given[label] + wanted[label]) for label in labels] or [0.0]
        ),
    }


def best_threshold(probabilities: Any, gold: Any) -> float:
    """Return the threshold with the best micro F1; the one nearest to 0.5 wins a tie.

    Args:
        probabilities: The probability of each possible answer.
        gold: The same shape, True for right answers.

    >>> best_threshold(np.array([[0.9, 0.2], [0.3, 0.1]]), np.array([[True, False], [True, False]]))
    0.25
    """
    flat, right = probabilities.ravel(), gold.ravel()
    order = np.argsort(-flat, kind="stable")
    # The n most probable labels: their hits, and F1 = 2 hits / (n + gold labels).
    hits = np.cumsum(right[order])
    scores = 2 * hits / (np.arange(1, len(flat) + 1) + max(1, int(right.sum())))
    levels = flat[order]
    # A threshold lies between two different probabilities.
    ends = np.flatnonzero(np.append(levels[:-1] > levels[1:], True))
    following = np.append(levels[1:], 0.0)
    thresholds = (levels[ends] + following[ends]) / 2
    best = thresholds[scores[ends] == scores[ends].max()]
    return float(best[np.abs(best - DEFAULT_THRESHOLD).argmin()])


def sigmoid(logits: Any) -> Any:
    """Return the logistic function of an array, without overflow."""
    return 1 / (1 + np.exp(-np.clip(np.asarray(logits, np.float64), -60, 60)))


def share(part: int, whole: int) -> float:
    """Return a part of a whole; 0 of nothing."""
    return part / whole if whole else 0.0


def metrics_of(
    scores: Callable[[Sequence[Any], Sequence[Any]], dict[str, float]], names: Sequence[str]
) -> dict[str, Metric]:
    """Return metrics that one function computes together."""

    def one(name: str) -> Metric:
        return Metric(lambda gold, predicted: scores(gold, predicted)[name])

    return {name: one(name) for name in names}


CLASSIFICATION_METRICS = metrics_of(classification_scores, ("accuracy", "macro_f1", "micro_f1"))
SPAN_METRICS = metrics_of(span_scores, ("f1", "precision", "recall", "macro_f1"))
LINKING_METRICS = metrics_of(
    linking_scores, ("accuracy", "accuracy_in_graph", "nil_precision", "nil_recall", "nil_f1")
)
