"""Read JSON Lines: one object a line, with a text and a label, with spans, or with tags."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.data.columns import Columns, arguments_of, located
from kgbert.data.example import Example, Span
from kgbert.data.readers.conll import tagged_example
from kgbert.data.tags import report_slips


def read_jsonl(content: str, columns: Columns) -> Iterator[Example]:
    """Yield the examples; keys that mean nothing here are passed over.

    >>> next(read_jsonl('{"text": "No fever.", "label": 0}', Columns()))
    Example(text='No fever.', label='0', spans=(), id='')
    """
    tagged = []
    keys: dict[str, None] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            with located(f"line {number:,}"):
                record = _record(line)
                yield _example(record, columns)
            if _is_tagged(record, columns):
                tagged.append([(number, tag) for tag in record["tags"]])
            keys |= dict.fromkeys(record)
    # A line may lack its label; a key that no line has is misspelt.
    columns.check_named(keys)
    report_slips(tagged)


def _record(line: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"no valid JSON, {error.msg} at column {error.colno}; "
            "write one whole object a line, with double quotes"
        ) from error
    except RecursionError as error:
        raise ValueError("nested too deeply; a text needs one object without nesting") from error
    if not isinstance(record, dict):
        raise ValueError(
            f"found {line[:40]!r} where an object belongs; "
            'write one a line, as in {"text": "...", "label": "..."}'
        )
    return record


def _example(record: Mapping[str, Any], columns: Columns) -> Example:
    identifier = str(record.get("id", ""))
    if _is_tagged(record, columns):
        return tagged_example(
            _strings(record["tokens"], "tokens"), _strings(record["tags"], "tags"), identifier
        )
    columns.check(list(record), may_lack_label="spans" in record)
    text = record[columns.text]
    if not isinstance(text, str):
        raise ValueError(f"{columns.text!r} holds {text!r}; a text belongs in double quotes")
    _check_characters(text)
    spans = columns.settle(_spans(record.get("spans")))
    label = _label(record.get(columns.label))
    if "spans" not in record:
        columns.check_label(label)
    return Example(text, label, spans, identifier, arguments_of(record))


def _is_tagged(record: Mapping[str, Any], columns: Columns) -> bool:
    return columns.text not in record and "tokens" in record and "tags" in record


def _label(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise ValueError(f"the label is {value!r}; a text has one label, a string or a number")
    return str(value)


def _spans(entries: object) -> list[Span]:
    if not isinstance(entries, list | None):
        raise ValueError(f"'spans' holds {str(entries)[:60]}; it must be a list of objects")
    return [_span(entry) for entry in entries or ()]


def _span(entry: object) -> Span:
    match entry:
        case {"start": int(start), "end": int(end), "label": str(label), **rest}:
            return Span(start, end, label, str(rest.get("entity") or ""))
    raise ValueError(
        f"span {entry!r} is not understood; "
        'write {"start": 0, "end": 5, "label": "..."}, with offsets in characters'
    )


def _strings(values: object, key: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{key!r} holds {str(values)[:60]}; it must be a list of strings")
    return values


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text holds half of a character ({text[error.start]!r} at {error.start}); "
            r"write both halves of the \u pair, or the character itself"
        ) from error
