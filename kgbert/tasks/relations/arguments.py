"""The arguments of relations and events: spans of a text, or entities with all their mentions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kgbert.data import Span
from kgbert.data.fields import json_cell
from kgbert.encoding.spans.span_groups import SpanGroups, collate_groups, span_groups
from kgbert.utils.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kgbert.encoding.encoded import Batch, EncodedText
    from kgbert.encoding.processor import KGBertProcessor

#: Number of tokens that consecutive windows of a long text share.
STRIDE = 64

#: Separates the entities of a mention of several.
ENTITY_SEPARATOR = "|"

#: Entities of mentions that an annotator could not normalise.
_NO_ENTITY = ("", "-1")


class Argument(NamedTuple):
    """A span that may be related to others, or an entity with all of its mentions."""

    key: str
    """The id of the span or of the entity."""
    label: str
    """The label of the first mention."""
    mentions: tuple[Span, ...]


def span_arguments(spans: Sequence[Span]) -> list[Argument]:
    """Return each span as an argument."""
    return [Argument(span.id, span.label, (span,)) for span in spans]


def entity_arguments(spans: Sequence[Span]) -> list[Argument]:
    """Return each entity of the spans as an argument; spans without an entity are left out.

    >>> spans = [Span(0, 3, "Drug", "C1|C2"), Span(9, 12, "Drug", "C1"), Span(20, 22, "Drug")]
    >>> [(each.key, len(each.mentions)) for each in entity_arguments(spans)]
    [('C1', 2), ('C2', 1)]
    """
    mentions: dict[str, list[Span]] = {}
    for span in spans:
        for entity in entities_of(span):
            mentions.setdefault(entity, []).append(span)
    return [Argument(entity, own[0].label, tuple(own)) for entity, own in mentions.items()]


def entities_of(span: Span) -> list[str]:
    """Return the entities of a span."""
    parts = (entity.strip() for entity in span.entity.split(ENTITY_SEPARATOR))
    return [entity for entity in dict.fromkeys(parts) if entity not in _NO_ENTITY]


def with_ids(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans that have an id each: their own, or their position in the row from 0.

    Raises:
        DataError: Two spans have the same id.
    """
    named = tuple(
        span if span.id else replace(span, id=str(position)) for position, span in enumerate(spans)
    )
    seen: set[str] = set()
    for span in named:
        if span.id in seen:
            raise DataError(
                f"two spans have the id {span.id!r}, so that it names neither; give each span its "
                "own 'id'",
                code="repeated-span-id",
            )
        seen.add(span.id)
    return named


def with_groups(
    windows: Sequence["EncodedText"],
    arguments: Sequence[Argument],
    pairs: "NDArray[np.int64] | None" = None,
) -> tuple["EncodedText", ...]:
    """Return the windows of a text with the tokens of its arguments.

    Args:
        windows: The encoded windows.
        arguments: The arguments; several of them may share tokens.
        pairs: The pairs to score; None for all.
    """
    mentions = [argument.mentions for argument in arguments]
    groups = span_groups([window.offsets for window in windows], mentions, pairs)
    return tuple(
        replace(window, groups=group) for window, group in zip(windows, groups, strict=True)
    )


def collate_windows(
    units: Sequence[Sequence["EncodedText"]], batch: "Batch", processor: "KGBertProcessor"
) -> "Batch":
    """Return a batch of windows with their groups as tensors."""
    import torch

    width = batch["input_ids"].shape[1]
    texts = [text for unit in units for text in unit]
    shifts = [width - len(text.offsets) if processor.pads_left else 0 for text in texts]
    groups = [[_groups_of(text) for text in unit] for unit in units]
    arrays = collate_groups(groups, width, shifts)
    return batch | {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in arrays.items()
    }


def _groups_of(text: "EncodedText") -> SpanGroups:
    assert text.groups is not None
    return text.groups


def list_column(record: Mapping[str, Any], name: str, example: str) -> list[Any] | None:
    """Return the list in a column of a row; None if the column is missing or empty.

    Args:
        record: The row.
        name: The column.
        example: What an entry looks like, for the message.

    Raises:
        DataError: It contains something else.
    """
    value = json_cell(record.get(name))
    if value is None or isinstance(value, list):
        return value
    raise DataError(
        f"{name!r} contains {str(value)[:60]!r}; give a list like [{example}], or [] for none",
        code="not-a-list",
    )
