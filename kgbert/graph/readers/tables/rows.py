"""Read the rows of a table file: its separator, its quotes, and the lines before its header."""

import csv
import re
from collections.abc import Iterator
from itertools import chain

from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError, Remedy

#: The number of a line, and its cells.
Row = tuple[int, list[str]]

#: What Excel writes and reads in the first line: the separator of the others.
_SEPARATOR_LINE = re.compile(r'(?:sep=(.)|"sep=(.)")[\s,;|]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


def read_rows(source: Source) -> Iterator[Row]:
    """Yield (line number, cells) of every row of a file that is not empty.

    Raises:
        GraphError: A quoted cell is never closed.
    """
    lines = source.lines()
    number, first = _first_line(lines)
    if match := _SEPARATOR_LINE.fullmatch(first):
        separator = match[1] or match[2]
        if separator == "\t":
            yield from _tab_separated(lines, number + 1)
        else:
            yield from _comma_separated(lines, separator, number, source)
        return
    delimiter = separator_of(first)
    lines = chain((first,), lines)
    if delimiter == "\t":
        yield from _tab_separated(lines, number)
    else:
        yield from _comma_separated(lines, delimiter, number - 1, source)


def separator_of(line: str) -> str:
    """Return the separator of a row, of which quoted cells say nothing.

    >>> separator_of('id;"name, preferred, English"'), separator_of("a,b")
    (';', ',')
    """
    unquoted = _QUOTED.sub("", line)
    return "\t" if "\t" in unquoted else max(",;|", key=unquoted.count)


def _first_line(lines: Iterator[str]) -> tuple[int, str]:
    """Return the first line that is neither empty nor a comment, and its number."""
    for number, line in enumerate(lines, start=1):
        # A comment contains no cells; a header may begin with the sign of comments.
        is_comment = line.startswith("#") and not any(map(line.__contains__, "\t,;|"))
        if line.strip() and not is_comment:
            return number, line
    return 1, ""


def _tab_separated(lines: Iterator[str], first_number: int) -> Iterator[Row]:
    """Yield rows whose cells are quoted only if they begin and end with a quote.

    Most tab-separated files know no quoting, where a lone quote is a character; pandas and Excel
    quote the cells that have a quote or a separator in them.
    """
    for number, line in enumerate(lines, start=first_number):
        cells = [_unquoted(cell) for cell in line.split("\t")]
        if any(cells):
            yield number, cells


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
        return cell
    inner = cell[1:-1]
    return inner.replace('""', '"') if '"' not in inner.replace('""', "") else cell


def _comma_separated(
    lines: Iterator[str], delimiter: str, before: int, source: Source
) -> Iterator[Row]:
    # The limit is one of the whole process, and too low for some definitions.
    usual = csv.field_size_limit(source.limits.line)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield before + reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        too_long = "field larger" in str(error)
        line = Remedy("line", source.limits.line * 4, "if you trust the file", "Limits")
        raise GraphError(
            f"{source.name}, line {before + reader.line_num}: not a readable table ({error}). "
            f"Close or double the quotes there, or save the table with tabs between the columns.",
            code="malformed-table",
            remedies=[line] if too_long else [],
        ) from None
    finally:
        csv.field_size_limit(usual)
