"""Tell what the columns of a table without a header are, or refuse where nothing tells it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from kgbert.graph.readers.tables.columns import TRIPLE
from kgbert.graph.readers.tables.layouts import is_of_completion
from kgbert.graph.readers.tables.rows import Row
from kgbert.utils.errors import GraphError, Remedy

#: A column of a set of columns that have one name and a number: "synonym 1".
_NUMBERED = re.compile(r"([^\W\d_].*?)[ ._-]?(\d{1,4})")
#: Digits of the number of a row.
_DIGITS = 18
#: From this many rows on that end with gaps, a table is one of levels.
_GAPS = 2


def names_of_columns(sample: Sequence[Row], name: str) -> list[str]:
    """Return the names of two or three columns, of which one may be the weights of edges.

    Raises:
        GraphError: Some columns are numbers, and nothing tells what these are.
    """
    width = len(sample[0][1])
    columns = list(zip(*(cells[:width] for _, cells in sample if len(cells) >= width), strict=True))
    numeric = tuple(all(map(_is_number, column)) for column in columns)
    whole = tuple(all(map(str.isdigit, column)) for column in columns)
    if names := _NAMES.get(numeric):
        weights = [column for column, each in enumerate(names) if each == "weight"]
        # Whole numbers before the end may be ids, of rows or of relations.
        if all(column == 2 or not whole[column] for column in weights):
            return list(names)
    if numeric == (True, False, False) and whole[0] and not _are_row_numbers(columns):
        return list(TRIPLE)
    if numeric == (True, False, True) and (is_of_completion(name) or _are_ids(columns)):
        return list(TRIPLE)
    places = [str(place) for place, is_numeric in enumerate(numeric, start=1) if is_numeric]
    raise GraphError(
        f"{name}: a table without a header, with numbers in column {' and '.join(places)} "
        f"({', '.join(sample[0][1])[:100]}), and nothing tells what these are.",
        code="columns-of-numbers",
        remedies=_remedies(numeric),
    )


def is_unknown_header(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a row names columns that have no known role, as the rows below it show.

    >>> is_unknown_header(["Nr", "Was", "Wo"], [["A1", "Kolik", "Bauch"], ["A2", "Husten", "Hals"]])
    True
    >>> is_unknown_header(["Part 1", "Part 2", "Part 3"], [])
    True
    """
    if _are_numbered(cells):
        return True
    complete = [row for row in rows if len(row) == len(cells)]
    if len(cells) > 2 and _are_levels(complete):
        return True
    shapes = {_shape(row[0]) for row in complete}
    names = [row[1] for row in complete]
    is_above_codes = len(shapes) == 1 and any(map(str.isdigit, min(shapes)))
    return (
        is_above_codes
        and len(complete) > 1
        and len({cells[1], *names}) == len(names) + 1
        and not any(map(str.isdigit, cells[0]))
    )


def _are_numbered(cells: Sequence[str]) -> bool:
    """Whether three or more columns have the same name and consecutive numbers."""
    matches = [_NUMBERED.fullmatch(cell.lower()) for cell in cells]
    return len(cells) > 2 and all(
        before and after and before[1] == after[1] and int(before[2]) + 1 == int(after[2])
        for before, after in pairwise(matches)
    )


def _are_levels(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows end where a hierarchy does: after the first, or a later column."""
    ends = [row for row in rows if not row[-1]]
    return len(ends) >= _GAPS and any(row[0] and not any(row[1:]) for row in ends)


def _shape(cell: str) -> str:
    """Return a code with a zero for each number and the same letter for all letters."""
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d_]", "a", cell))


def _are_ids(columns: Sequence[Sequence[str]]) -> bool:
    """Whether numbers at both ends are ids: filled up with zeros, and joined by few relations."""
    first, middle, last = columns
    are_padded = all(cell.isdigit() for cell in (*first, *last)) and any(
        cell.startswith("0") and len(cell) > 1 for cell in (*first, *last)
    )
    return are_padded and 2 * len(set(middle)) <= len(middle)


def _are_row_numbers(columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first column numbers rows that are not joined by relations."""
    # Python converts no number of thousands of digits.
    numbers = [int(cell[-_DIGITS:]) for cell in columns[0]]
    are_consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return len(numbers) > 1 and are_consecutive and len(set(columns[1])) == len(numbers)


def _remedies(numeric: tuple[bool, ...]) -> list[Remedy]:
    if len(numeric) == 2:
        return [
            Remedy("header", ("id", "name"), "if it contains entities", "ReadOptions"),
            Remedy("header", ("subject", "object"), "if it contains edges", "ReadOptions"),
        ]
    weighted = tuple(_NAMES.get(numeric, ("subject", "object", "weight")))
    return [
        Remedy("header", tuple(TRIPLE), "in that order", "ReadOptions"),
        Remedy("header", weighted, "if there are weights", "ReadOptions"),
    ]


def _is_number(cell: str) -> bool:
    """Whether a cell is a number; the decimal separator may be a comma, or a percent sign last."""
    try:
        float(cell.removesuffix("%").replace(",", ".", 1))
    except ValueError:
        return False
    return True


#: Whether each column is numbers -> the names of the columns.
_NAMES: dict[tuple[bool, ...], Sequence[str]] = {
    (False, False): ("subject", "object"),
    (True, True): ("subject", "object"),
    (False, False, False): tuple(TRIPLE),
    (False, False, True): ("subject", "object", "weight"),
    (False, True, False): ("subject", "weight", "object"),
    (True, False, False): ("weight", "subject", "object"),
}
