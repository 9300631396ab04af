"""Names of the classes that a Hugging Face data set or a model stores as numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def labels_of(config: "PreTrainedConfig") -> list[str]:
    """Return a model's labels in the order of its logits."""
    return [str(label) for _, label in sorted((config.id2label or {}).items())]


def class_names(features: Mapping[str, Any] | None) -> dict[str, Sequence[str]]:
    """Return the class names by column, from ``Dataset.features`` or its JSON form.

    >>> class_names({"text": {"_type": "Value"}, "label": {"_type": "ClassLabel", "names": ["a"]}})
    {'label': ['a']}
    """
    found = {column: _names(feature) for column, feature in (features or {}).items()}
    return {column: names for column, names in found.items() if names}


def with_class_names(
    values: Mapping[str, Any], names: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the values of a row with names instead of numbers; -1 stands for a missing label.

    >>> with_class_names({"label": 1, "tags": [0, 1]}, {"label": ["a", "b"], "tags": ["O", "B-x"]})
    {'label': 'b', 'tags': ['O', 'B-x']}
    """
    return {
        column: _named(value, names[column]) if column in names else value
        for column, value in values.items()
    }


def _named(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list | tuple):
        return [_named(item, names) for item in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number:
        return value
    return names[value] if 0 <= value < len(names) else None


def _names(feature: Any) -> Sequence[str] | None:
    """Return the class names of a feature, or of the elements of a list feature."""
    if isinstance(feature, list):
        return _names(feature[0]) if feature else None
    if isinstance(feature, Mapping):
        names, inner = feature.get("names"), feature.get("feature")
    else:
        names, inner = getattr(feature, "names", None), getattr(feature, "feature", None)
    if isinstance(names, list | tuple):
        return names
    return None if inner is None else _names(inner)
