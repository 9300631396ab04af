"""Read the fields of a record: its text, its labelled spans, the arguments of a relation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kgbert.data.example import Example, Span
from kgbert.data.tags import check_tags, decode_tags
from kgbert.utils.errors import DataError

#: The columns with the character offsets of head and tail, end exclusive.
ARGUMENT_COLUMNS = ("head_start", "head_end", "tail_start", "tail_end")


def plain_example(record: Mapping[str, Any]) -> Example:
    """Return a record as an example: its text or tokens, spans, arguments, and label if any.

    >>> plain_example({"text": "No fever.", "label": 0})
    Example(text='No fever.', target='0', spans=(), id='')
    """
    identifier = str(record.get("id") or "").strip()
    if is_tagged(record):
        tokens, tags = (_strings(record[key], key) for key in ("tokens", "tags"))
        return tagged_example(tokens, tags, identifier)
    return Example(
        text_field(record),
        label_field(record),
        spans_field(record),
        identifier,
        arguments_field(record),
    )


def pair_example(record: Mapping[str, Any]) -> Example:
    """Return a record as an example, with its second text if it is a pair of texts.

    >>> pair_example({"text": "Does it help?", "text_pair": "It did.", "label": "yes"}).others
    ('It did.',)
    """
    example = plain_example(record)
    if "text_pair" not in record:
        return example
    pair = record["text_pair"]
    if pair is None or not str(pair).strip():
        raise DataError(
            "'text_pair' is empty, but it contains the second text of a pair; fill it in, or leave "
            "the row out",
            code="empty-text-pair",
        )
    return replace(example, others=(text_field(record, "text_pair"),))


def is_tagged(record: Mapping[str, Any]) -> bool:
    """Return whether a record contains tokens and tags instead of a text."""
    return "text" not in record and "tokens" in record and "tags" in record


def text_field(record: Mapping[str, Any], name: str = "text") -> str:
    """Return a text of a record.

    Raises:
        DataError: It is missing or not a string.
    """
    if name not in record:
        raise DataError(
            f"no {name!r}; give a row that has it, in a file with this column or as a JSON object",
            code="missing-column",
        )
    text = record[name]
    if not isinstance(text, str):
        raise DataError(
            f"{name!r} contains {text!r}; a text belongs in double quotes", code="text-not-a-string"
        )
    return text


def label_field(record: Mapping[str, Any], name: str = "label") -> str | None:
    """Return the label of a record as a string; None if it is missing or empty.

    Raises:
        DataError: It is a list or an object.
    """
    value = record.get(name)
    if isinstance(value, list | dict):
        raise DataError(
            f"{name!r} is {value!r}; a text has one label, a string or a number",
            code="label-not-a-value",
        )
    return None if value is None else str(value).strip() or None


def spans_field(record: Mapping[str, Any], name: str = "spans") -> tuple[Span, ...]:
    """Return the labelled spans of a record; an empty tuple without the field.

    Raises:
        DataError: The field is not a list of spans.
    """
    entries = json_cell(record.get(name))
    if not isinstance(entries, list | None):
        raise DataError(
            f"{name!r} contains {repr(entries)[:60]}; it must be a list of objects like "
            '{"start": 0, "end": 5, "label": "..."}',
            code="spans-not-a-list",
        )
    return tuple(_span(entry) for entry in entries or ())


def arguments_field(record: Mapping[str, Any]) -> tuple[Span, ...]:
    """Return head and tail of the relation of a record; an empty tuple without a relation.

    >>> arguments_field({"head_start": "0", "head_end": "7", "tail_start": 15, "tail_end": 18})
    (Span(start=0, end=7, label='head', entity=''), Span(start=15, end=18, label='tail', entity=''))
    >>> arguments_field({"text": "no relation"})
    ()
    """
    given = {name: record[name] for name in ARGUMENT_COLUMNS if record.get(name) not in (None, "")}
    if not given:
        return ()
    if missing := [name for name in ARGUMENT_COLUMNS if name not in given]:
        raise DataError(
            f"{', '.join(given)} without {', '.join(missing)}; a relation needs all four: where "
            "head and tail start and end, in characters",
            code="incomplete-arguments",
        )
    head_start, head_end, tail_start, tail_end = (
        _offset(name, given[name]) for name in ARGUMENT_COLUMNS
    )
    return Span(head_start, head_end, "head"), Span(tail_start, tail_end, "tail")


def tagged_example(tokens: Sequence[str], tags: Sequence[str], id: str = "") -> Example:
    """Return the tokens joined by spaces, with the spans that their tags encode.

    >>> tagged_example(["a", "b"], ["O"])
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: 2 tokens but 1 tags; every token needs exactly one
    """
    if len(tokens) != len(tags):
        raise DataError(
            f"{len(tokens)} tokens but {len(tags)} tags; every token needs exactly one",
            code="tokens-without-tags",
        )
    check_tags(tags)
    starts, text = [], ""
    for token in tokens:
        starts.append(len(text))
        text += f"{token} "
    spans = (
        Span(starts[first], starts[end - 1] + len(tokens[end - 1]), label)
        for first, end, label in decode_tags(tags)
    )
    return Example(text[:-1], spans=tuple(spans), id=id)


def json_cell(value: Any) -> Any:
    """Return the list or object that a cell of a table contains as JSON; any other value as it is.

    >>> json_cell('[1, 2]'), json_cell("fever"), json_cell("")
    ([1, 2], 'fever', None)
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    if value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _span(entry: object) -> Span:
    match entry:
        case {"start": int(start), "end": int(end), "label": str(label), **rest}:
            found = (rest.get(name) for name in ("entity", "id"))
            entity, identifier = ("" if value is None else str(value) for value in found)
            return Span(start, end, label, entity, identifier, _fragments(rest.get("fragments")))
    raise DataError(
        f"span {entry!r} is not understood; "
        'write {"start": 0, "end": 5, "label": "..."}, with offsets in characters, or '
        '{"fragments": [[0, 5], [9, 12]], "label": "..."} for a discontinuous one',
        code="span-not-understood",
    )


def _fragments(value: Any) -> tuple[tuple[int, int], ...]:
    """Return the parts of a discontinuous span, in reading order."""
    return tuple((start, end) for start, end in value) if value else ()


def _offset(name: str, value: object) -> int:
    if not isinstance(value, bool) and str(value).strip().isdecimal():
        return int(str(value))
    raise DataError(
        f"{name} is {value!r}; it must be a whole number that counts characters",
        code="offset-not-a-number",
    )


def _strings(values: object, key: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError(
            f"{key!r} contains {str(values)[:60]}; it must be a list of strings",
            code="not-a-list-of-strings",
        )
    return values
