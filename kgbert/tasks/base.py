"""What kgbert can be trained for: how targets are made, answers read, and scores given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedConfig

from kgbert.data import Example, check_labels
from kgbert.encoding.dataset import IGNORED, Target
from kgbert.encoding.encoded import EncodedText
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.auto import (
    KGBertForEntityLinking,
    KGBertForRelationClassification,
    KGBertForSequenceClassification,
    KGBertForTokenClassification,
)
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.choosing import chosen
from kgbert.tasks.gold_links import NIL, check_gold, gold_choices, gold_entities
from kgbert.tasks.metrics import METRICS
from kgbert.tasks.tagging import untagged, word_tags, words_of

#: What a model answers for one text: a label, one tag a word, or one entity a mention.
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
    expected: Callable[[Example, EncodedText, KnowledgeGraph], Answer]
    """The right answer."""
    answer: Callable[[NDArray[np.float32], EncodedText, PreTrainedConfig], Answer]
    """The model's answer, from the logits of the text, of its tokens or of its mentions."""
    check: Callable[[Sequence[Example], Sequence[Example]], object] = check_labels
    """Raises ValueError where training and validation texts cannot be learnt or scored."""
    nothing: str = "O"
    """The answer to what was not found or was cut off."""
    candidates: int = 0
    """How many candidates of each mention a processor has to tell."""

    def score(self, expected: Sequence[Answer], predicted: Sequence[Answer]) -> dict[str, float]:
        """Return the metrics of some answers.

        What was cut off, or never found, counts as missed.
        """
        padded = [
            answer
            if isinstance(right, str) or isinstance(answer, str)
            else [*answer, *[self.nothing] * (len(right) - len(answer))]
            for right, answer in zip(expected, predicted, strict=True)
        ]
        return METRICS[self.name](expected, padded)


def labels_of(config: PreTrainedConfig) -> list[str]:
    """Return a model's labels in the order of its logits."""
    return [str(label) for _, label in sorted((config.id2label or {}).items())]


def _label_target(example: Example, encoded: EncodedText, labels: Sequence[str]) -> Target:
    return labels.index(example.label)


def _label(example: Example, encoded: EncodedText, graph: KnowledgeGraph) -> Answer:
    return example.label


def _best_label(
    logits: NDArray[np.float32], encoded: EncodedText, config: PreTrainedConfig
) -> Answer:
    return labels_of(config)[int(logits.argmax())]


def _tag_labels(train: Sequence[Example]) -> tuple[str, ...]:
    return ("O", *(prefix + label for label in check_labels(train) for prefix in ("B-", "I-")))


def _tag_target(example: Example, encoded: EncodedText, labels: Sequence[str]) -> Target:
    target = [IGNORED] * len(encoded.offsets)
    for word, tag in zip(words_of(encoded), word_tags(example, encoded), strict=True):
        target[word.token] = labels.index(tag)
    return target


def _tags(example: Example, encoded: EncodedText, graph: KnowledgeGraph) -> Answer:
    # What no word can tell is missed by whatever is answered.
    missed = (f"B-{span.label}" for span in untagged(example, encoded))
    return [*word_tags(example, encoded), *missed]


def _best_tags(
    logits: NDArray[np.float32], encoded: EncodedText, config: PreTrainedConfig
) -> Answer:
    labels, best = labels_of(config), logits.argmax(-1).tolist()
    return [labels[best[word.token]] for word in words_of(encoded)]


#: The tasks by name.
TASKS = {
    "text-classification": Task(
        "text-classification",
        KGBertForSequenceClassification,
        "accuracy",
        labels=check_labels,
        target=_label_target,
        expected=_label,
        answer=_best_label,
    ),
    "relation-classification": Task(
        "relation-classification",
        KGBertForRelationClassification,
        "accuracy",
        labels=check_labels,
        target=_label_target,
        expected=_label,
        answer=_best_label,
    ),
    "token-classification": Task(
        "token-classification",
        KGBertForTokenClassification,
        "f1",
        labels=_tag_labels,
        target=_tag_target,
        expected=_tags,
        answer=_best_tags,
    ),
    "entity-linking": Task(
        "entity-linking",
        KGBertForEntityLinking,
        "accuracy",
        labels=lambda train: (),
        target=lambda example, encoded, labels: gold_choices(example, encoded),
        expected=gold_entities,
        answer=lambda logits, encoded, config: [x.entity for x in chosen(logits, encoded, config)],
        check=check_gold,
        nothing=NIL,
        candidates=8,
    ),
}


def task_of(examples: Sequence[Example]) -> Task:
    """Return the task that labelled texts pose; entity linking has to be asked for by name.

    It is one of relations where they say what the arguments are, else of spans where there are any,
    else of texts.
    """
    if any(example.arguments for example in examples):
        return TASKS["relation-classification"]
    spans = any(example.spans for example in examples)
    return TASKS["token-classification" if spans else "text-classification"]


def task_of_model(name: str) -> Task:
    """Return the task that a class of model is for.

    Raises:
        ValueError: It is a bare encoder, or no class of kgbert.
    """
    for task in TASKS.values():
        if task.model.__name__ == name:
            return task
    raise ValueError(
        f"a {name} answers no task; fine-tune one of "
        f"{', '.join(task.model.__name__ for task in TASKS.values())} instead."
    )
