"""Relation classification: the relation between two marked arguments of a text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgbert.data import Example
from kgbert.data.fields import ARGUMENT_COLUMNS, plain_example
from kgbert.tasks.checks import place_of
from kgbert.tasks.whole_texts.text_classification import TextClassification
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from kgbert.models.base import KGBertPreTrainedModel


class RelationClassification(TextClassification):
    """The target of an example is its label; its arguments are the two related spans."""

    name = "relation-classification"
    description = f"columns text, {', '.join(ARGUMENT_COLUMNS)} and label: one label a pair"

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A classifier on the marker tokens of both arguments."""
        from kgbert.models.task_models import KGBertForRelationClassification

        return KGBertForRelationClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text, arguments and label of a row."""
        example = plain_example(record)
        if not example.arguments:
            raise DataError(
                "the row has no relation: the positions of head and tail are missing; fill in "
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
        _check_arguments({"train": train, "validation": validation, "test": test})
        super().check(train, validation, test)


def _check_arguments(parts: Mapping[str, Sequence[Example]]) -> None:
    for part, examples in parts.items():
        for position, example in enumerate(examples, start=1):
            if not example.arguments:
                raise DataError(
                    f"{place_of(example, position, part)} lacks the positions of the two arguments "
                    f"of its relation; fill in {', '.join(ARGUMENT_COLUMNS)}, or leave the text "
                    "out",
                    code="missing-arguments",
                )
