"""Read the two arguments of a relation from the columns or keys of a file."""

from collections.abc import Mapping
from typing import Any

from kgbert.texts.example import Span

#: The columns that say where head and tail stand, in characters, the end exclusive.
COLUMNS = ("head_start", "head_end", "tail_start", "tail_end")


def arguments_of(record: Mapping[str, Any]) -> tuple[Span, ...]:
    """Return head and tail of the relation that a record is about; nothing where it has none.

    >>> arguments_of({"head_start": "0", "head_end": "7", "tail_start": 15, "tail_end": 18})
    (Span(start=0, end=7, label='head', entity=''), Span(start=15, end=18, label='tail', entity=''))
    >>> arguments_of({"text": "no relation"})
    ()
    """
    given = {name: record[name] for name in COLUMNS if record.get(name) not in (None, "")}
    if not given:
        return ()
    if missing := [name for name in COLUMNS if name not in given]:
        raise ValueError(
            f"{', '.join(given)} without {', '.join(missing)}; a relation needs all four: where "
            "head and tail start and end, in characters"
        )
    head_start, head_end, tail_start, tail_end = (_number(name, given[name]) for name in COLUMNS)
    return Span(head_start, head_end, "head"), Span(tail_start, tail_end, "tail")


def _number(name: str, value: object) -> int:
    if not isinstance(value, bool) and str(value).strip().isdecimal():
        return int(str(value))
    raise ValueError(f"{name} is {value!r}; it must be a whole number that counts characters")
