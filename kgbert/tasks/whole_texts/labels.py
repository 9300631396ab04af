"""Shared parts of tasks with one label per text."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.tasks.base import EncodedExample, ExplainedAnswer, Prediction, Slice
from kgbert.tasks.checks import place_of
from kgbert.utils.errors import DataError, KGBertError, Remedy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

#: Maximum number of classes in a report, so that its table stays readable.
MAX_CLASSES = 20

#: The setting of a task that is subtracted from the logits of labels with training texts.
SEEN_OFFSET = "seen_offset"

_LABEL_COLUMN = Remedy("columns", {"label": ...}, "if the labels are in another column")


@dataclass(frozen=True)
class LabelPrediction(Prediction):
    """A label and its probability."""

    label: str
    probability: float

    @property
    def answer(self) -> str:
        """The label."""
        return self.label

    def lines(self) -> Iterator[str]:
        """Yield the label with its probability."""
        yield f"label {self.label}  ({self.probability:.0%})"


def decode_label(
    logits: Any, encoded: EncodedExample, config: "PreTrainedConfig"
) -> LabelPrediction:
    """Return the likeliest label of a text."""
    values = calibrated(logits, config)
    shares = np.exp(values - values.max())
    top = int(values.argmax())
    names: Any = config.id2label  # sorting them takes long if there are many
    probability = float(shares[top] / shares.sum())
    return LabelPrediction(encoded.example.joined, str(names[top]), probability)


def calibrated(logits: Any, config: "PreTrainedConfig") -> "NDArray[np.float64]":
    """Return logits, shape (..., labels), without the advantage of labels with training texts."""
    values = np.asarray(logits, np.float64)
    if offset := config.task_settings.get(SEEN_OFFSET, 0.0):
        untrained = set(config.untrained_labels)
        values = values - offset * np.array([x not in untrained for x in labels_of(config)])
    return values


def best_offset(logits: Any, gold: Sequence[int], untrained: Any) -> float:
    """Return the offset of trained labels with the best harmonic mean of two accuracies.

    They are those on texts of labels with and without training texts. The offset nearest to zero
    wins a tie.

    Args:
        logits: Shape (texts, labels).
        gold: The label of each text.
        untrained: Shape (labels), True for labels without training texts.

    >>> logits = np.array([[3.0, 1.0], [3.0, 2.0]])
    >>> best_offset(logits, [0, 1], np.array([False, True]))
    1.5
    """
    labels, is_unseen = np.asarray(gold), untrained[np.asarray(gold, np.int64)]
    if not is_unseen.any() or is_unseen.all():
        return 0.0
    seen, unseen = (np.where(part, logits, -np.inf) for part in (~untrained, untrained))
    # Above its margin, the answer to a text is a label without training texts.
    margins = seen.max(1) - unseen.max(1)
    is_right = {False: seen.argmax(1) == labels, True: unseen.argmax(1) == labels}
    levels = np.unique(margins.astype(np.float64))
    between = ((levels[1:] + levels[:-1]) / 2).tolist()
    offsets: list[float] = [0.0, float(levels[0]) - 1, *between, float(levels[-1]) + 1]

    def harmonic_mean(offset: float) -> float:
        right = np.where(offset > margins, is_right[True], is_right[False])
        one, other = float(right[~is_unseen].mean()), float(right[is_unseen].mean())
        mean: float = 2 * one * other / (one + other) if one + other else 0.0
        return mean

    return max(offsets, key=lambda each: (harmonic_mean(each), -abs(each)))


def label_set(
    parts: Mapping[str, Sequence[Example]],
    names_of: Callable[[Example], Iterable[str]],
    *,
    fewest: int = 2,
    declared: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the labels of the training texts, and those that were declared, in order.

    Args:
        parts: The examples by split part, ``train`` first.
        names_of: Returns the labels of an example.
        fewest: Minimum number of labels.
        declared: Labels that need no training text.

    Raises:
        DataError: There are too few labels, or another part has a label that training lacks.
    """
    counts = {
        part: Counter(name for example in examples for name in names_of(example))
        for part, examples in parts.items()
    }
    train, known = parts["train"], tuple(sorted({*counts["train"], *declared}))
    if not known:
        raise DataError(
            f"train: none of the {len(train):,} texts has a label or a span, so nothing can be "
            "learnt.",
            code="no-labels",
            remedies=[_LABEL_COLUMN],
        )
    if len(known) < fewest:
        raise DataError(
            f"train: all {len(train):,} texts have the label {known[0]!r}, so there is nothing to "
            "distinguish; add texts with another label.",
            code="single-label",
            remedies=[_LABEL_COLUMN],
        )
    for part, found in counts.items():
        if unknown := sorted(found.keys() - known):
            shown = ", ".join(f"{label!r} ({found[label]:,})" for label in unknown)
            raise DataError(
                f"{part}: {shown} unknown to train, which knows {', '.join(map(repr, known))}; "
                "correct the spelling, move such texts to train, or leave them out",
                code="unknown-label",
            )
    return known


def answer_position(name: str, names: Sequence[str]) -> int:
    """Return the position of an answer among all answers.

    Raises:
        KGBertError: There is no such answer.

    >>> answer_position("ill", ["well", "ill"])
    1
    """
    if name in names:
        return list(names).index(name)
    shown = ", ".join(map(repr, names[:MAX_CLASSES])) + (", ..." * (len(names) > MAX_CLASSES))
    raise KGBertError(
        f"{name!r} is no answer of the model, whose answers are {shown}.", code="unknown-answer"
    )


def log_odds(logits: "Tensor", answer: ExplainedAnswer, names: Sequence[str]) -> "Tensor":
    """Return the log-odds of an answer against all others together, or against one other.

    Args:
        logits: The logits of exclusive answers in the last dimension.
        answer: The answer, and what it is compared with.
        names: The answers in the order of the logits.

    >>> import torch
    >>> log_odds(torch.tensor([[2.0, 0.0]]), ExplainedAnswer("a", "b"), ["a", "b"])
    tensor([2.])
    """
    own = answer_position(answer.name, names)
    others = [place for place in range(len(names)) if place != own]
    if answer.contrast:
        others = [answer_position(answer.contrast, names)]
    return logits[..., own] - logits[..., others].logsumexp(-1)


def check_all_labelled(parts: Mapping[str, Sequence[Example]]) -> None:
    """Raise DataError where some texts have no label."""
    if not any(example.target for example in parts["train"]):
        # All texts lack a label; :func:`label_set` raises the more specific error.
        return
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.target:
                raise DataError(
                    f"{place_of(example, position, part)} has no label while others have one; fill "
                    "it in, or leave the text out",
                    code="missing-label",
                )


def label_slices(test: Sequence[EncodedExample]) -> Iterator[Slice]:
    """Yield a slice for each of the most frequent labels."""
    labels = [encoded.example.target for encoded in test]
    for label, _ in Counter(labels).most_common(MAX_CLASSES):
        positions = [i for i, other in enumerate(labels) if other == label]
        yield Slice(f"class: {label}", positions, len(positions))
