"""Read tables of triples: CSV or TSV, with a header or without."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kgbert.graph.graph import GraphError
from kgbert.graph.identifiers import expand
from kgbert.graph.options import ReadOptions
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import RELATION_WORDS

#: What the columns of a triple are called in the wild.
_HEADERS = (
    ("subject", "head", "source", "child", "s", "h", "from", "subj", "start", ":start_id"),
    ("predicate", "relation", "property", "edge", "type", "p", "r", "rel", "label", ":type"),
    ("object", "tail", "target", "parent", "o", "t", "to", "obj", "end", ":end_id"),
)
_EXPECTED = (
    "A table of triples has the columns subject, predicate, object (or subject, object); if "
    "yours have other names, name them: options=ReadOptions(columns=('from', 'how', 'to'))."
)


@dataclass(frozen=True)
class _Columns:
    """Positions of the three parts; a predicate of None means that every row says "is a"."""

    subject: int
    predicate: int | None
    object: int
    has_header: bool


def read_table(source: Source, statements: Statements) -> None:
    """Add the triples of a table; its three columns are found by name or by place."""
    rows = _rows(source)
    first = next(rows, None)
    if first is None:
        raise GraphError(f"{source.name}: the table has no rows. {_EXPECTED}")
    columns = _columns(first[1], source, statements.options)
    statements.ids_are_names = True
    if not columns.has_header:
        _add(first, columns, source, statements)
    for row in rows:
        _add(row, columns, source, statements)


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every row that is not empty."""
    lines = source.lines()
    first = next(lines, "")
    delimiter = max("\t,;|", key=first.count)
    # Tab-separated files are written without quoting: a lone quote there is only a character.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL

    def all_lines() -> Iterator[str]:
        yield first
        yield from lines

    reader = csv.reader(all_lines(), delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise GraphError(
            f"{source.name}, line {reader.line_num}: not a readable table ({error}). Close or "
            f"double the quotes there, or save the table with tabs between the columns."
        ) from None


def _columns(first: Sequence[str], source: Source, options: ReadOptions) -> _Columns:
    header = [cell.lower().lstrip("#") for cell in first]
    if options.columns:
        return _named_columns(first, source, options.columns)
    subject, predicate, target = (
        next((header.index(name) for name in names if name in header), None) for names in _HEADERS
    )
    if subject is not None and target is not None:
        return _Columns(subject, predicate, target, has_header=True)
    if subject is None and target is None and len(first) in (2, 3):
        return _Columns(0, 1 if len(first) == 3 else None, len(first) - 1, has_header=False)
    missing = _HEADERS[0][0] if subject is None else _HEADERS[2][0]
    raise GraphError(
        f"{source.name}: no column '{missing}' among {', '.join(first[:12])}. {_EXPECTED}"
    )


def _named_columns(first: Sequence[str], source: Source, names: tuple[str, ...]) -> _Columns:
    for name in names:
        if name not in first:
            raise GraphError(
                f"{source.name}: no column {name!r} among {', '.join(first[:12])}. {_EXPECTED}"
            )
    positions = [first.index(name) for name in names]
    predicate = positions[1] if len(positions) == 3 else None
    return _Columns(positions[0], predicate, positions[-1], has_header=True)


def _add(
    row: tuple[int, list[str]], columns: _Columns, source: Source, statements: Statements
) -> None:
    line, cells = row
    if len(cells) <= max(columns.subject, columns.predicate or 0, columns.object):
        raise GraphError(
            f"{source.name}, line {line}: {len(cells)} cells, too few for a triple "
            f"({', '.join(cells)[:60]}). Complete the row or remove it; a cell with the "
            f"separator in it needs double quotes."
        )
    subject, target = expand(cells[columns.subject]), cells[columns.object]
    word = "is_a" if columns.predicate is None else cells[columns.predicate]
    predicate = expand(RELATION_WORDS.get(word.lower(), word))
    if not subject or not target or not predicate:
        return
    if statements.takes_text(predicate):
        statements.add_literal(subject, predicate, target)
    else:
        # A table has no declarations: whatever stands at an end of an edge is an entity.
        statements.described.update((subject, expand(target)))
        statements.add_resource(subject, predicate, expand(target))
