"""What kgbert can be trained for: how targets are made, answers read, and scores given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kgbert.batching.dataset import IGNORED, Target
from kgbert.batching.encoded import EncodedText
from kgbert.modeling.fused import KGBertPreTrainedModel
from kgbert.modeling.models import (
    KGBertForRelationClassification,
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
)
from kgbert.texts import Example, check_labels
from kgbert.training.metrics import METRICS
from kgbert.training.tagging import cut_off, word_tags, words_of

#: What a model answers for one text: a label, or one tag a word.
Answer = str | list[str]


@dataclass(frozen=True)
class Task:
    """One kind of task; ``name`` is the one that transformers uses, where it knows the task."""

    name: str
    model: type[KGBertPreTrainedModel]
    metric: str
    """The metric that is reported and chosen by unless the user names another."""
    labels: Callable[[Sequence[Example]], tuple[str, ...]]
    """The labels of the logits, from the training texts."""
    target: Callable[[Example, EncodedText, Sequence[str]], Target]
    """What the loss compares the logits with."""
    expected: Callable[[Example, EncodedText], Answer]
    """The right answer."""
    answer: Callable[[Sequence[str], EncodedText], Answer]
    """The model's answer from the best label of the text, or of each of its tokens."""

    def score(self, expected: Sequence[Answer], predicted: Sequence[Answer]) -> dict[str, float]:
        """Return the metrics of some answers.

        Where a text was cut off, the spans behind the cut count as missed.
        """
        padded = [
            answer
            if isinstance(right, str) or isinstance(answer, str)
            else [*answer, *["O"] * (len(right) - len(answer))]
            for right, answer in zip(expected, predicted, strict=True)
        ]
        return METRICS[self.name](expected, padded)


def _text_target(example: Example, encoded: EncodedText, labels: Sequence[str]) -> Target:
    return labels.index(example.label)


def _tag_labels(train: Sequence[Example]) -> tuple[str, ...]:
    return ("O", *(prefix + label for label in check_labels(train) for prefix in ("B-", "I-")))


def _tag_target(example: Example, encoded: EncodedText, labels: Sequence[str]) -> Target:
    target = [IGNORED] * len(encoded.offsets)
    for word, tag in zip(words_of(encoded), word_tags(example, encoded), strict=True):
        target[word.token] = labels.index(tag)
    return target


def _expected_tags(example: Example, encoded: EncodedText) -> Answer:
    beyond = (f"B-{span.label}" for span in cut_off(example, encoded))
    return [*word_tags(example, encoded), *beyond]


#: The tasks by name.
TASKS = {
    "text-classification": Task(
        "text-classification",
        KGBertForSequenceClassification,
        "accuracy",
        labels=check_labels,
        target=_text_target,
        expected=lambda example, encoded: example.label,
        answer=lambda best, encoded: best[0],
    ),
    "relation-classification": Task(
        "relation-classification",
        KGBertForRelationClassification,
        "accuracy",
        labels=check_labels,
        target=_text_target,
        expected=lambda example, encoded: example.label,
        answer=lambda best, encoded: best[0],
    ),
    "token-classification": Task(
        "token-classification",
        KGBertForTokenClassification,
        "f1",
        labels=_tag_labels,
        target=_tag_target,
        expected=_expected_tags,
        answer=lambda best, encoded: [best[word.token] for word in words_of(encoded)],
    ),
}


def task_of(examples: Sequence[Example]) -> Task:
    """Return the task that labelled texts pose.

    It is one of relations where they say what the arguments are, else of spans where there are any,
    else of texts.
    """
    if any(example.arguments for example in examples):
        return TASKS["relation-classification"]
    spans = any(example.spans for example in examples)
    return TASKS["token-classification" if spans else "text-classification"]
