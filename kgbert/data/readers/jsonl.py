"""Read JSON Lines: one object a line, with a text and a label, with spans, or with tags."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.data.columns import Columns, located
from kgbert.data.tags import report_slips


def read_jsonl(content: str, columns: Columns) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield line and values of each object.

    >>> next(read_jsonl('{"text": "No fever.", "label": 0}', Columns()))
    (1, {'text': 'No fever.', 'label': 0})
    """
    tagged = []
    keys: dict[str, None] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            with located(f"line {number:,}"):
                record = _record(line)
                _check(record, columns)
            yield number, record
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


def _check(record: Mapping[str, Any], columns: Columns) -> None:
    if _is_tagged(record, columns):
        return
    columns.check(list(record), may_lack_label="spans" in record)
    label = record.get(columns.label)
    if "spans" not in record:
        columns.check_label("" if label is None else str(label))


def _is_tagged(record: Mapping[str, Any], columns: Columns) -> bool:
    return columns.text not in record and "tokens" in record and "tags" in record
