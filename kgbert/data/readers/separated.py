"""Read tables of separated values with a header (CSV, TSV)."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from kgbert.data.columns import Columns, located


def read_separated(content: str, columns: Columns) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield line and values of each row; the header tells the separator: comma, semicolon or tab.

    >>> list(read_separated("text;label\nhigh fever;ill\n", Columns()))
    [(2, {'text': 'high fever', 'label': 'ill'})]
    """
    rows = _rows(content)
    line, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    with located(f"line {line:,}"):
        columns.check(header)
        columns.check_named(header)
    positions = {name: position for position, name in reversed(list(enumerate(header)))}
    for line, row in rows:
        with located(f"line {line:,}"):
            if len(row) != len(header):
                raise ValueError(
                    f"{len(row)} columns where the header has {len(header)} ({_shown(row)}); "
                    "put a text that holds the separator between double quotes"
                )
            cells = {name: row[position] for name, position in positions.items()}
            columns.check_label(cells.get(columns.label, "").strip())
        yield line, cells


def _rows(content: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the line it starts on."""
    lines = io.StringIO(content, newline="")
    reader = csv.reader(lines, delimiter=_separator(content), strict=True)
    row: list[str] | None = []
    while row is not None:
        start = reader.line_num + 1
        with located(f"line {start:,}"):
            row = _next_row(reader)
        if row and any(cell.strip() for cell in row):
            yield start, row


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise ValueError(
            f"{error}; is a double quote left open? One inside a quoted text is written twice"
        ) from error


def _separator(content: str) -> str:
    header = content.lstrip().split("\n", 1)[0]
    return "\t" if "\t" in header else max(",;", key=header.count)


def _shown(row: list[str]) -> str:
    shown = " | ".join(row)
    return repr(shown if len(shown) <= 60 else f"{shown[:57]}...")
