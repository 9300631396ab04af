"""Read JSON Lines (one object per line) and JSON (an array of objects)."""

import json
from collections.abc import Iterator
from typing import Any

from kgbert.data.columns import QUESTION, TEXT, TOKENS, Columns, Record, located
from kgbert.data.readers.squad import is_squad, read_squad
from kgbert.utils.errors import DataError


def read_json(content: str, columns: Columns) -> Iterator[Record]:
    r"""Yield one record per object.

    >>> list(read_json('{"text": "No fever.", "label": 0}', Columns()))
    [Record(place='line 1', values={'text': 'No fever.', 'label': 0})]
    >>> list(read_json('[{"text": "No fever."}]', Columns()))
    [Record(place='record 1', values={'text': 'No fever.'})]
    """
    records = _records(content, columns)
    names: dict[str, None] = {}
    for record in records:
        with located(record.place):
            columns.check_row(record.values)
        yield record
        names |= dict.fromkeys(record.values)
    # A line can lack a label, but a key that is missing in all lines is misspelt.
    columns.check_source(names)


def _records(content: str, columns: Columns) -> Iterator[Record]:
    content_start = content.lstrip()
    if content_start[0] == "[":
        return _array(_parsed(content))
    first, _, rest = content_start.partition("\n")
    if rest.strip() and _is_json(first):
        return _lines(content)
    return _single_object(content, columns)


def _lines(content: str) -> Iterator[Record]:
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            place = f"line {number:,}"
            with located(place):
                yield Record(place, parse_line(line))


def parse_line(line: str) -> dict[str, Any]:
    """Return the object in a line of a JSON Lines file.

    >>> parse_line('{"text": "No fever."}')
    {'text': 'No fever.'}
    """
    return _object(_parsed(line))


def _single_object(content: str, columns: Columns) -> Iterator[Record]:
    """Yield the inner objects of a file with one object, or that object; else read lines."""
    if not _is_json(content):
        return _lines(content)
    value = json.loads(content)
    if is_squad(value):
        return read_squad(value)
    if inner := _inner_objects(value, {columns[TEXT], columns[TOKENS], columns[QUESTION]}):
        return _array(inner)
    return _array([value]) if "\n" in content.strip() else _lines(content)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _array(values: list[Any]) -> Iterator[Record]:
    for number, value in enumerate(values, start=1):
        place = f"record {number:,}"
        with located(place):
            yield Record(place, _object(value))


def _inner_objects(value: Any, required: set[str]) -> list[Any] | None:
    """Return the objects in a value like ``{"data": [{...}, {...}]}``; None in any other."""
    if not isinstance(value, dict) or required & value.keys():
        return None
    arrays = [
        entry
        for entry in value.values()
        if isinstance(entry, list)
        and any(isinstance(item, dict) and required & item.keys() for item in entry)
    ]
    return arrays[0] if len(arrays) == 1 else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise DataError(
            f"no valid JSON, {error.msg} at {line}column {error.colno}; write one whole object a "
            "line, with double quotes",
            code="malformed-json",
        ) from error
    except ValueError as error:  # a number with more digits than Python converts
        raise DataError(f"no valid JSON, {error}", code="malformed-json") from error
    except RecursionError as error:
        raise DataError(
            "nested too deeply; a text needs one object without nesting", code="deep-json"
        ) from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(
            f"found {json.dumps(value)[:40]!r} where an object belongs; "
            'write one a line, as in {"text": "...", "label": "..."}',
            code="not-an-object",
        )
    return value
