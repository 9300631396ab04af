"""Read tables, CSV or TSV: of triples or edges, of entities or relations."""

import csv
from collections.abc import Iterator, Sequence
from typing import Literal

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.core.vocabulary import RELATION_ALIASES
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.entity_table import add_entities, add_relations
from kgbert.graph.readers.table_columns import (
    EXPECTED,
    TRIPLE,
    Row,
    cells_of,
    is_half_a_header,
    is_of_entities,
    is_of_relations,
    is_of_triples,
    places_of,
    tell,
)
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError


def read_table(source: Source, statements: Statements) -> None:
    """Add what a table says; what its columns hold is found by their names or places."""
    add_rows(_rows(source), source.name, statements)


def add_rows(rows: Iterator[Row], name: str, statements: Statements) -> None:
    """Add what the rows of a table say, the first of which may name the columns.

    Args:
        rows: (line number, cells).
        name: What messages call the table.
        statements: What they are added to.
    """
    first = next(rows, None)
    if first is None:
        raise GraphError(f"{name}: the table has no rows. {EXPECTED}")
    if _is_miscounted(first[1], statements.options):
        raise GraphError(f"{name}, line {first[0]}: {_counts(first[1], statements.options.header)}")
    names, rows = _named(first, rows, statements)
    if statements.options.columns or is_of_triples(names):
        _add_triples(rows, _triple_places(names, name, statements), name, statements)
    elif is_of_relations(names):
        add_relations(names, rows, name, statements)
    elif is_of_entities(names):
        add_entities(names, rows, name, statements)
    else:
        missing = "object" if "subject" in places_of(names, TRIPLE) else "subject"
        raise GraphError(f"{name}: no column {missing!r} among {', '.join(names[:12])}. {EXPECTED}")


def _is_miscounted(cells: Sequence[str], options: ReadOptions) -> bool:
    """Whether other columns were named than a table has whose first row names none itself."""
    if len(options.header) in (0, len(cells)) or set(options.columns) & set(cells):
        return False
    # The names are for other files of the same folder where this one has its own.
    return not (is_of_triples(cells) or is_of_entities(cells) or is_half_a_header(cells))


def _counts(cells: Sequence[str], header: Sequence[str]) -> str:
    names = (*header[: len(cells)], *["other"] * (len(cells) - len(header)))
    return (
        f"the header that you gave names {len(header)} columns ({', '.join(header)}), and the "
        f"table has {len(cells)}: {' | '.join(cells)[:100]}. Name each of them; what has no "
        f"known name, such as 'other', is not read: ReadOptions(header={names})."
    )


def _named(
    first: Row, rows: Iterator[Row], statements: Statements
) -> tuple[Sequence[str], Iterator[Row]]:
    """Return the names of the columns, and the rows below these names."""
    header, columns = statements.options.header, statements.options.columns
    if header and len(header) == len(first[1]):
        return header, _chain(first, rows)
    is_header = columns or is_of_triples(first[1]) or is_of_entities(first[1])
    if is_header or len(first[1]) not in (2, 3) or is_half_a_header(first[1]):
        return first[1], rows
    places = list(TRIPLE) if len(first[1]) == 3 else ["subject", "object"]
    statements.builder.note(
        f"a table without a header: columns are {', '.join(places)}, and its first row is "
        f"{', '.join(first[1])[:100]!r}"
    )
    return places, _chain(first, rows)


def _rows(source: Source) -> Iterator[Row]:
    """Yield (line number, cells) of every row that is not empty."""
    lines = source.lines()
    first = next(lines, "")
    delimiter = "\t" if "\t" in first else max(",;|", key=first.count)
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


def _chain(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _triple_places(names: Sequence[str], name: str, statements: Statements) -> dict[str, int]:
    """Return where the parts of a triple stand."""
    columns = statements.options.columns
    for column in columns:
        if column not in names:
            raise GraphError(
                f"{name}: no column {column!r} among {', '.join(names[:12])}. {EXPECTED}"
            )
    roles = tuple(TRIPLE) if len(columns) == 3 else ("subject", "object")
    said = {role: names.index(name) for role, name in zip(roles, columns, strict=False)}
    places = said or places_of(names, TRIPLE)
    tell(names, places, statements)
    return places


def _add_triples(
    rows: Iterator[Row], places: dict[str, int], name: str, statements: Statements
) -> None:
    statements.ids_are_names = True
    subject_place, object_place = places["subject"], places["object"]
    predicate_place = places.get("predicate")
    if predicate_place is None:
        statements.builder.note(
            "no column says what relation an edge is of: every edge is read as is_a"
        )
    meanings: dict[str, tuple[str, bool]] = {}
    rows_read = incomplete = 0
    for cells in cells_of(rows, places, name):
        rows_read += 1
        subject, target = expand(cells[subject_place]), cells[object_place]
        word = "is_a" if predicate_place is None else cells[predicate_place]
        if word not in meanings:
            predicate = expand(RELATION_ALIASES.get(word.lower(), word))
            meanings[word] = predicate, statements.is_text_predicate(predicate)
        predicate, is_text = meanings[word]
        if not (subject and target and word):
            incomplete += 1
        elif is_text:
            statements.add_literal(subject, predicate, target)
        else:
            # A table has no declarations: whatever stands at an end of an edge is an entity.
            target = expand(target)
            statements.described.update((subject, target))
            statements.add_resource(subject, predicate, target)
    _check_incomplete(incomplete, rows_read, name, statements)


def _check_incomplete(incomplete: int, rows_read: int, name: str, statements: Statements) -> None:
    """Note the rows that said nothing, or refuse a table of them."""
    if 2 * incomplete > rows_read:
        raise GraphError(
            f"{name}: {incomplete:,} of {rows_read:,} rows lack a subject, predicate or "
            f"object, so this is no table of triples. {EXPECTED}"
        )
    if incomplete:
        statements.builder.note(
            f"{counted(incomplete, 'row')} of {name} skipped: no subject, predicate or object"
        )
