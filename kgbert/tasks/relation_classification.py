"""Relation classification: the relation between two marked arguments of a text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgbert.data import Example
from kgbert.data.fields import ARGUMENT_COLUMNS, plain_example
from kgbert.tasks.base import EncodedExample, LabelSpace, Slice, Task, labels_of
from kgbert.tasks.labels import (
    LabelPrediction,
    check_all_labelled,
    decode_label,
    label_set,
    label_slices,
)
from kgbert.tasks.metrics import CLASSIFICATION_METRICS, classification_scores
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel


class RelationClassification(Task):
    """The target of an example is its label; its arguments are the two related spans."""

    name = "relation-classification"
    description = f"columns text, {', '.join(ARGUMENT_COLUMNS)} and label: one label a pair"
    metrics = CLASSIFICATION_METRICS

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A classifier on the marker tokens of both arguments."""
        from kgbert.models.auto import KGBertForRelationClassification

        return KGBertForRelationClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, arguments and label of a row."""
        example = plain_example(record)
        if not example.arguments:
            raise DataError(
                "there is no relation here: the row does not say where head and tail are; fill in "
                f"{', '.join(ARGUMENT_COLUMNS)}, or leave the text out",
                code="missing-arguments",
            )
        return example

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has the position of an argument."""
        return any(record.get(name) not in (None, "") for name in ARGUMENT_COLUMNS)

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where a label or argument is missing, or training lacks a label."""
        parts = {"train": train, "validation": validation, "test": test}
        _check_arguments(parts)
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

    def slices(self, train: Sequence[Example], test: Sequence[EncodedExample]) -> Iterable[Slice]:
        """Return a slice for each label."""
        return label_slices(test)

    def quote(self, answer: str) -> str:
        """Return the label."""
        return answer


def _check_arguments(parts: Mapping[str, Sequence[Example]]) -> None:
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.arguments:
                raise DataError(
                    f"{part}: text {position:,} ({example.text[:40]!r}) does not say where the two "
                    "arguments of its relation are; fill in "
                    f"{', '.join(ARGUMENT_COLUMNS)}, or leave the text out",
                    code="missing-arguments",
                )
