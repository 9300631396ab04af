"""Read tables of separated values with a header (CSV, TSV)."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

from kgbert.data.columns import Columns, Record, located
from kgbert.data.files import MAX_BYTES
from kgbert.utils.errors import DataError

#: The line in which a spreadsheet declares the separator, which some programs quote.
_SEPARATOR_LINE = re.compile(r"(\"?)sep=(.)\1\2*\r?(\n|$)", re.IGNORECASE)


def read_separated(content: str, columns: Columns) -> Iterator[Record]:
    r"""Yield one record per row; the header determines the separator (comma, semicolon, tab, pipe).

    >>> list(read_separated("text;label\nhigh fever;ill\n", Columns()))
    [Record(place='line 2', values={'text': 'high fever', 'label': 'ill'})]
    """
    rows = _rows(content)
    line, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    with located(f"line {line:,}"):
        columns.check_row(header)
        columns.check_source(header)
    # The first of several columns with the same name counts.
    positions = {name: position for position, name in reversed([*enumerate(header)])}
    for line, row in rows:
        place = f"line {line:,}"
        with located(place):
            if len(row) != len(header):
                raise DataError(
                    f"{len(row)} columns where the header has {len(header)} ({_shown(row)}); "
                    "put a text that contains the separator between double quotes",
                    code="ragged-row",
                )
        yield Record(place, {name: row[positions[name]] for name in reversed(positions)})


def _rows(content: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with its first line number."""
    declared = _SEPARATOR_LINE.match(content)
    body = content[declared.end() :] if declared else content
    separator = declared[2] if declared else _separator(content)
    skipped = 1 if declared else 0
    if separator == "\t" and (lines := _rows_of_lines(body)):
        yield from ((number + skipped, cells) for number, cells in lines)
        return
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    row: list[str] | None = []
    while row is not None:
        start = reader.line_num + 1 + skipped
        with located(f"line {start:,}"), _long_cells():
            row = _next_row(reader)
        if row and any(cell.strip() for cell in row):
            yield start, row


def _rows_of_lines(body: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a tab-separated table if each line is one; else none.

    Most tab-separated files know no quoting, where a lone double quote is a character; pandas and
    Excel quote a cell that has a quote, a tab or a line break in it.
    """
    lines = enumerate(body.split("\n"), start=1)
    rows = [(number, line.rstrip("\r").split("\t")) for number, line in lines if line.strip()]
    if len({len(cells) for _, cells in rows}) > 1:
        return []
    return [(number, list(map(_unquoted, cells))) for number, cells in rows]


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    is_quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if is_quoted else cell


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allow cells of any length inside the context; the csv module has one limit per process."""
    limit = csv.field_size_limit(MAX_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise DataError(
            f"{error}; is a double quote left open? One inside a quoted text is written twice",
            code="malformed-row",
        ) from error


def _separator(content: str) -> str:
    header = content.lstrip().split("\n", 1)[0]
    return "\t" if "\t" in header else max(",;|", key=header.count)


def _shown(row: list[str]) -> str:
    shown = " | ".join(row)
    return repr(shown if len(shown) <= 60 else f"{shown[:57]}...")
