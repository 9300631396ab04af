"""Text classification: one label per text, or per pair of texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgbert.data import Example
from kgbert.data.fields import pair_example
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Slice,
    Task,
    labels_of,
)
from kgbert.tasks.checks import check_pairs
from kgbert.tasks.labels import (
    LabelPrediction,
    check_all_labelled,
    decode_label,
    label_set,
    label_slices,
    log_odds,
)
from kgbert.tasks.metrics import CLASSIFICATION_METRICS, classification_scores

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel


class TextClassification(Task):
    """The target of an example is its label, a string."""

    name = "text-classification"
    description = "columns text and label, for pairs also text_pair: one label"
    metrics = CLASSIFICATION_METRICS
    learns_classes = True

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A sequence classifier."""
        from kgbert.models.auto import KGBertForSequenceClassification

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

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return the labels of the training texts."""
        return LabelSpace(label_set({"train": train}, self.classes, declared=self.declared_labels))

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
        """Return accuracy, macro F1 and micro F1."""
        return classification_scores(gold, predicted)

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
