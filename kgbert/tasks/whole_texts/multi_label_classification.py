"""Multi-label classification: any number of labels per text."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.data.fields import pair_example
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Metric,
    Prediction,
    Slice,
    Task,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.metrics import DEFAULT_THRESHOLD, best_threshold, metrics_of, sigmoid
from kgbert.tasks.pairs import check_pairs, pair_settings
from kgbert.tasks.whole_texts.labels import MAX_CLASSES, answer_position, label_set
from kgbert.utils.errors import DataError, KGBertError, Remedy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: Separators of the labels in a cell; the first one that occurs in the cell applies.
SEPARATORS = ("|", ";", ",")

#: Labels that ``precision_at_5`` looks at, the likeliest ones.
TOP = 5

#: Labels in the ranking of a text, if no more are predicted.
MOST_RANKED = 1000


@dataclass(frozen=True)
class ScoredLabel:
    """A label and its probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class LabelsAnswer:
    """The labels of a text, and the ranking of all labels.

    >>> LabelsAnswer.of(["b", "a"]).ranking
    ('a', 'b')
    """

    labels: frozenset[str]
    ranking: tuple[str, ...]
    """The most probable ones, by decreasing probability; only the gold labels in a gold answer."""

    @classmethod
    def of(cls, labels: Iterable[str]) -> "LabelsAnswer":
        """Return gold labels as an answer."""
        return cls(frozenset(labels), tuple(sorted(labels)))


@dataclass(frozen=True)
class LabelsPrediction(Prediction):
    """The labels of a text with their probabilities, in decreasing order."""

    labels: tuple[ScoredLabel, ...]
    """The predicted labels."""
    ranking: tuple[ScoredLabel, ...]
    """The most probable labels, predicted or not."""

    @property
    def answer(self) -> LabelsAnswer:
        """The predicted labels, and the ranking of all labels."""
        return LabelsAnswer(
            frozenset(each.label for each in self.labels),
            tuple(each.label for each in self.ranking),
        )

    def lines(self) -> Iterator[str]:
        """Yield each label with its probability; without any, the top label in brackets."""
        for each in self.labels:
            yield f"label {each.label}  ({each.probability:.0%})"
        if not self.labels:
            nearest = self.ranking[0]
            yield f"no label  (nearest: {nearest.label}, {nearest.probability:.0%})"


def multi_label_scores(
    gold: Sequence[LabelsAnswer], predicted: Sequence[LabelsAnswer]
) -> dict[str, float]:
    """Return micro and macro F1, subset accuracy, precision at 5 and R-precision.

    Macro F1 is the mean over the labels that were expected or predicted. R-precision is the share
    of right labels among the R likeliest, R being the number of gold labels; texts without a gold
    label do not count there.

    >>> one = LabelsAnswer(frozenset("a"), ("a", "b"))
    >>> two = LabelsAnswer(frozenset("ab"), ("b", "a"))
    >>> scores = multi_label_scores(list(map(LabelsAnswer.of, "ab")), [one, two])
    >>> scores["micro_f1"], scores["subset_accuracy"], scores["r_precision"]
    (0.8, 0.5, 1.0)
    """
    given, wanted, hits = Counter[str](), Counter[str](), Counter[str]()
    for right, answer in zip(gold, predicted, strict=True):
        wanted.update(right.labels)
        given.update(answer.labels)
        hits.update(right.labels & answer.labels)
    labels = wanted.keys() | given.keys()
    pairs = list(zip(gold, predicted, strict=True))
    ranked = [(right.labels, x.ranking) for right, x in pairs if right.labels]
    return {
        "micro_f1": _f1(hits.total(), given.total(), wanted.total()),
        "macro_f1": fmean([_f1(hits[x], given[x], wanted[x]) for x in labels] or [0.0]),
        "subset_accuracy": fmean([float(right.labels == x.labels) for right, x in pairs] or [0.0]),
        f"precision_at_{TOP}": fmean([_hit_share(y, x, TOP) for y, x in ranked] or [0.0]),
        "r_precision": fmean([_hit_share(y, x, len(y)) for y, x in ranked] or [0.0]),
    }


def _f1(hits: int, given: int, wanted: int) -> float:
    return 2 * hits / (given + wanted) if given + wanted else 0.0


def _hit_share(gold: frozenset[str], ranking: Sequence[str], length: int) -> float:
    """Return the share of gold labels among the most probable ones."""
    return len(gold & set(ranking[:length])) / length


MULTI_LABEL_METRICS: Mapping[str, Metric] = MappingProxyType(
    metrics_of(
        multi_label_scores,
        ("micro_f1", "macro_f1", "subset_accuracy", f"precision_at_{TOP}", "r_precision"),
    )
)


class MultiLabelClassification(Task):
    """The target of an example is the set of its labels, sorted; it may be empty."""

    name = "multi-label-classification"
    pipeline_tag = "text-classification"
    description = (
        "columns text and labels, for pairs also text_pair: a list, or labels separated by | ; or ,"
    )
    metrics = MULTI_LABEL_METRICS
    needs_calibration = True
    has_several_labels = True
    suits_linear_model = True
    adds_parents = False
    """Whether a label is at least as probable as each label below it; see :meth:`with_parents`."""

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A sequence classifier."""
        from kgbert.models.task_models import KGBertForSequenceClassification

        return KGBertForSequenceClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and labels of a row."""
        example = pair_example({name: x for name, x in record.items() if name != "label"})
        target = labels_field(record.get("labels")) if "labels" in record else None
        return replace(example, target=target)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a text and a column of labels."""
        return "text" in record and "labels" in record

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where labels are missing, or training lacks one."""
        parts = {"train": train, "validation": validation, "test": test}
        check_pairs(parts)
        check_targets(
            parts,
            "no 'labels'; write an empty list for a text that has no label.",
            code="missing-labels",
        )
        label_set(parts, self.classes, declared=self.declared_labels)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the labels."""
        return frozenset(example.target or ())

    def with_parents(self) -> "MultiLabelClassification":
        """Return the task with answers that have every label above a predicted one.

        A label gets the highest probability among its own and those of the labels below it.

        Raises:
            KGBertError: No label is above another, as far as the graph says.
        """
        hierarchy = self.label_hierarchy
        if hierarchy is None or not hierarchy.has_parents:
            raise KGBertError(
                "no label is known to be above another, so that none can be added. Train with "
                "labels that are entities of a hierarchy, also those above the others.",
                code="no-parents",
                remedies=[Remedy("ground", "labels")],
            )
        task = copy(self)
        task.adds_parents = True
        return task

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the labels of the training texts, one output for each."""
        return LabelSpace(
            label_set({"train": train}, self.classes, declared=self.declared_labels),
            head={"problem_type": "multi_label_classification"},
            settings={"threshold": DEFAULT_THRESHOLD, **pair_settings(train)},
        )

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[Any]:
        """Return one array, True for each label of the text and False for all others."""
        own, names = set(encoded.example.target), labels_of(config)
        return [np.fromiter((name in own for name in names), np.bool_, len(names))]

    def output_bias(
        self, train: Sequence[Example], config: "PreTrainedConfig"
    ) -> "NDArray[np.float64]":
        """Return the log-odds of each label in the training examples."""
        own = Counter(label for example in train for label in self.classes(example))
        counts = np.array([own[label] for label in labels_of(config)])
        odds: NDArray[np.float64] = (counts + 0.5) / (len(train) - counts + 0.5)
        return np.log(odds)

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the targets as floats for binary cross-entropy."""
        import torch

        return {"labels": torch.from_numpy(np.stack(targets)).float()}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> LabelsPrediction:
        """Return the labels whose probability reaches the threshold."""
        probabilities = sigmoid(outputs[0])
        if self.adds_parents and self.label_hierarchy is not None:
            probabilities = self.label_hierarchy.raised(probabilities, labels_of(config))
        threshold = config.task_settings["threshold"]
        most = max(MOST_RANKED, int((probabilities >= threshold).sum()))
        order = _largest(probabilities, most).tolist()
        names: Any = config.id2label  # sorting them takes long if there are many
        ranking = tuple(ScoredLabel(str(names[i]), float(probabilities[i])) for i in order)
        given = tuple(each for each in ranking if each.probability >= threshold)
        return LabelsPrediction(encoded.example.joined, given, ranking)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose the threshold with the best micro F1 on the validation examples."""
        probabilities = np.stack([sigmoid(rows[0]) for rows in outputs])
        gold = np.stack([self.targets(each, config)[0] for each in encoded])
        threshold = best_threshold(probabilities, gold)
        config.task_settings = {**config.task_settings, "threshold": threshold}

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> LabelsAnswer:
        """Return the labels."""
        return LabelsAnswer.of(self.classes(encoded.example))

    def score(
        self, gold: Sequence[LabelsAnswer], predicted: Sequence[LabelsAnswer]
    ) -> dict[str, float]:
        """Return the metrics, which share their counts; and those of a hierarchy of labels."""
        scores = multi_label_scores(gold, predicted)
        if self.label_hierarchy is not None:
            sets = ([answer.labels for answer in some] for some in (gold, predicted))
            scores |= self.label_hierarchy.scores(*sets)
        return scores

    def is_correct(self, gold: LabelsAnswer, predicted: LabelsAnswer) -> bool:
        """Return whether the predicted labels are exactly the gold labels."""
        return gold.labels == predicted.labels

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterable[Slice]:
        """Return a slice for each of the most frequent labels: the texts that have it."""
        counts = Counter(label for x in test for label in self.classes(x.example))
        for label, _ in counts.most_common(MAX_CLASSES):
            positions = [i for i, x in enumerate(test) if label in self.classes(x.example)]
            yield Slice(f"class: {label}", positions, len(positions))

    def answers(self, prediction: LabelsPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return the predicted labels; without any, the most probable one."""
        return [each.label for each in prediction.labels or prediction.ranking[:1]]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of a label, minus those of another one in a contrast."""
        names = labels_of(config)
        scores = outputs[0][..., answer_position(answer.name, names)]
        if answer.contrast:
            scores = scores - outputs[0][..., answer_position(answer.contrast, names)]
        return scores

    def quote(self, answer: LabelsAnswer) -> str:
        """Return the labels, separated by commas."""
        return ", ".join(sorted(answer.labels)) or "no label"


def _largest(values: "NDArray[np.float64]", count: int) -> "NDArray[np.intp]":
    """Return the places of the largest values in descending order, the first of equal ones first.

    >>> _largest(np.array([0.1, 0.5, 0.5, 0.9]), 2).tolist()
    [3, 1]
    """
    # Only the candidates are sorted: there may be hundreds of thousands of labels.
    least = np.partition(values, -count)[-count] if count < len(values) else -np.inf
    candidates = np.flatnonzero(values >= least)
    return candidates[np.argsort(-values[candidates], kind="stable")][:count]


def labels_field(value: Any) -> tuple[str, ...]:
    """Return the labels of a field, each once and sorted.

    Raises:
        DataError: It is neither a list of labels nor a cell.

    >>> labels_field("earn; trade;"), labels_field('["a", "b"]'), labels_field(None)
    (('earn', 'trade'), ('a', 'b'), ())
    """
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise DataError(
                f"'labels' contains {value[:60]!r}, which is no list in JSON ({error.msg}); write "
                '["one", "two"], or one; two',
                code="labels-not-a-list",
            ) from error
    if value is None:
        return ()
    if isinstance(value, str):
        mark = next((mark for mark in SEPARATORS if mark in value), SEPARATORS[0])
        value = value.split(mark)
    if not isinstance(value, list | tuple) or not all(isinstance(x, str | int) for x in value):
        raise DataError(
            f"'labels' contains {str(value)[:60]}; it must be a list of labels",
            code="labels-not-a-list",
        )
    return tuple(sorted({str(label).strip() for label in value} - {""}))
