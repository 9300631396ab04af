"""Text classification: one label per text, or per pair of texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.data.fields import pair_example
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Slice,
    Task,
)
from kgbert.tasks.metrics import (
    CLASSIFICATION_METRICS,
    classification_scores,
    seen_and_unseen_scores,
)
from kgbert.tasks.pairs import check_pairs, pair_settings
from kgbert.tasks.whole_texts.labels import (
    SEEN_OFFSET,
    LabelPrediction,
    best_offset,
    check_all_labelled,
    decode_label,
    label_set,
    label_slices,
    log_odds,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.graph.core.label_hierarchy import LabelHierarchy
    from kgbert.models.base import KGBertPreTrainedModel


class TextClassification(Task):
    """The target of an example is its label, a string."""

    name = "text-classification"
    pipeline_tag = "text-classification"
    description = "columns text and label, for pairs also text_pair: one label"
    metrics = CLASSIFICATION_METRICS
    learns_classes = True
    suits_linear_model = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A sequence classifier."""
        from kgbert.models.task_models import KGBertForSequenceClassification

        return KGBertForSequenceClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, second text and label of a row; spans with entities are gold mentions."""
        return pair_example(record)

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a text and one label."""
        return "text" in record and isinstance(record.get("label"), str | int | float)

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where a text has no label, training lacks one, or there is only one."""
        parts = {"train": train, "validation": validation, "test": test}
        check_pairs(parts)
        check_all_labelled(parts)
        label_set(parts, self.classes, declared=self.declared_labels)

    def classes(self, example: Example) -> frozenset[str]:
        """Return the label."""
        return frozenset([example.target] if example.target else [])

    def grounded(self, hierarchy: "LabelHierarchy", untrained: Iterable[str]) -> Task:
        """Return the task with further scores, and calibrated if labels lack training texts."""
        task = super().grounded(hierarchy, untrained)
        task.needs_calibration = bool(task.untrained_labels)
        return task

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the labels of the training texts."""
        return LabelSpace(
            label_set({"train": train}, self.classes, declared=self.declared_labels),
            settings=pair_settings(train),
        )

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[int]:
        """Return the index of the label."""
        return [labels_of(config).index(encoded.example.target)]

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> LabelPrediction:
        """Return the most probable label."""
        return decode_label(outputs[0], encoded, config)

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> str:
        """Return the label."""
        return str(encoded.example.target)

    def score(self, gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
        """Return accuracy, macro F1 and micro F1; and for labels of a hierarchy its scores.

        Where some labels have no training texts, the accuracy on both kinds of labels follows.
        """
        scores = classification_scores(gold, predicted)
        if self.label_hierarchy is not None:
            sets = ([frozenset([label]) for label in some] for some in (gold, predicted))
            scores |= self.label_hierarchy.scores(*sets)
        if self.untrained_labels:
            scores |= seen_and_unseen_scores(gold, predicted, self.untrained_labels)
        return scores

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Choose what is subtracted from the logits of labels with training texts.

        Training lowers the scores of labels without training texts. The offset has the highest
        harmonic mean of both accuracies on the validation texts (calibrated stacking, Chao et al.
        2016, arXiv:1605.04253); without validation texts of both kinds it stays zero.
        """
        labels = labels_of(config)
        gold = [labels.index(each.example.target) for each in encoded]
        untrained = [label in self.untrained_labels for label in labels]
        offset = best_offset(np.array([rows[0] for rows in outputs]), gold, np.array(untrained))
        config.task_settings = {**config.task_settings, SEEN_OFFSET: offset}

    def answers(self, prediction: LabelPrediction, config: "PreTrainedConfig") -> list[str]:
        """Return the predicted label."""
        return [prediction.label]

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the log-odds of a label."""
        return log_odds(outputs[0], answer, labels_of(config))

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterable[Slice]:
        """Return a slice for each label."""
        return label_slices(test)

    def quote(self, answer: str) -> str:
        """Return the label."""
        return answer
