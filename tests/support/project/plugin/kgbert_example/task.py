"""A task like text classification, whose labels do not depend on case."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kgbert import Example
from kgbert.tasks.whole_texts.text_classification import TextClassification


class LowercaseClassification(TextClassification):
    """One label a text, in lower case."""

    name = "lowercase-classification"

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and label of a row."""
        example = super().read(record)
        return replace(example, target=example.target and example.target.lower())


LOWERCASE_CLASSIFICATION = LowercaseClassification()
