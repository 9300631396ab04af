"""Read tables, CSV or TSV: of triples or edges, of entities or relations."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, tee

from kgbert.graph.core.options import ReadOptions
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import (
    EDGE_STATUS,
    ENTITY,
    RELATION,
    TRIPLE,
    chosen_columns,
    custom_columns,
    is_glossary,
    is_of_entities,
    is_of_relations,
    is_of_triples,
    is_partial_header,
    note_columns,
    positions_of,
    refuse_columns,
)
from kgbert.graph.readers.tables.entities import EntityTable
from kgbert.graph.readers.tables.headerless import is_unknown_header, names_of_columns
from kgbert.graph.readers.tables.layouts import (
    GEONAMES,
    file_layout,
    is_geonames,
    layout_of,
)
from kgbert.graph.readers.tables.rows import Row, read_rows
from kgbert.graph.readers.tables.triples import add_triples
from kgbert.utils.errors import GraphError, Remedy

#: Rows that are looked at to tell whether the first is a header.
_SAMPLE = 100


def read_table(source: Source, statements: Statements) -> None:
    """Add the rows of a table file; the names or positions of its columns tell their roles."""
    if add := file_layout(source.member or source.path.name):
        add((), read_rows(source), source.name, statements)
    else:
        add_rows(read_rows(source), source.name, statements)


def add_rows(rows: Iterator[Row], name: str, statements: Statements) -> None:
    """Add the rows of a table, the first of which may name the columns.

    Args:
        rows: (line number, cells).
        name: What messages call the table.
        statements: To which they are added.

    Raises:
        GraphError: The columns have no known roles, or a row is malformed.
    """
    sample = list(islice(rows, _SAMPLE))
    if not sample:
        raise GraphError(f"{name}: the table has no rows.", code="empty-table")
    statements.has_tables = True
    options, first = statements.options, sample[0][1]
    chosen = chosen_columns(options.columns, name, first)
    if not chosen:
        _check_header(sample[0], options, name)
    rows = chain(sample, rows)
    names, has_header = _column_names(sample, bool(chosen), name, statements)
    if has_header:
        next(rows)
    _add_named(names, rows, chosen, name, statements)


def _add_named(
    names: Sequence[str],
    rows: Iterator[Row],
    chosen: dict[str, str],
    name: str,
    statements: Statements,
) -> None:
    for column in chosen.values():
        if column not in names:
            refuse_columns(names, name, column)
    if not chosen and (add := layout_of(names)):
        add(names, rows, name, statements)
    elif "subject" in chosen or (not chosen and is_of_triples(names)):
        _add_edges(names, rows, chosen, name, statements)
    elif not chosen and is_of_relations(names):
        positions = positions_of(names, RELATION)
        note_columns(names, positions, statements)
        EntityTable(positions, name, statements).add_relations(rows)
    elif {"id", "name"} & chosen.keys() or is_of_entities(names):
        _add_entities(names, rows, chosen, name, statements)
    elif is_glossary(positions_of(names, ENTITY)):
        _add_entities(names, rows, {}, name, statements)
    else:
        missing = "object" if "subject" in positions_of(names, TRIPLE) else "subject"
        refuse_columns(names, name, "id" if chosen else missing)


def _add_entities(
    names: Sequence[str],
    rows: Iterator[Row],
    chosen: dict[str, str],
    name: str,
    statements: Statements,
) -> None:
    """Add entities; where none has an id, the names are the ids."""
    positions = positions_of(names, ENTITY, chosen | custom_columns(names, statements))
    if "id" not in positions:
        positions["id"] = positions["name"]
        statements.builder.note(f"{name} has no column of ids: the names are the ids")
    note_columns(names, positions, statements)
    EntityTable(positions, name, statements, names).add(rows)


def _add_edges(
    names: Sequence[str],
    rows: Iterator[Row],
    chosen: dict[str, str],
    name: str,
    statements: Statements,
) -> None:
    """Add edges; an export of Neo4j (APOC) has the entities in the same table, above them."""
    positions = positions_of(names, TRIPLE, chosen)
    if chosen and "predicate" not in chosen:
        positions.pop("predicate", None)
    positions |= positions_of(names, EDGE_STATUS)
    if chosen or "_id" not in names or "_start" not in names:
        note_columns(names, positions, statements)
        add_triples(rows, positions, names, name, statements)
        return
    of_entities, of_edges = tee(rows)
    start = positions["subject"][0]
    entities = EntityTable(positions_of(names, ENTITY), name, statements)
    entities.add(row for row in of_entities if not row[1][start])
    add_triples((row for row in of_edges if row[1][start]), positions, names, name, statements)


def _check_header(first: Row, options: ReadOptions, name: str) -> None:
    """Refuse a header of the options that has another number of columns than the table.

    It is meant for another file of the same folder where this one has its own.
    """
    line, cells = first
    if len(options.header) in (0, len(cells)) or _is_header(cells) or is_partial_header(cells):
        return
    names = (*options.header[: len(cells)], *["other"] * (len(cells) - len(options.header)))
    raise GraphError(
        f"{name}, line {line}: the header that you gave names {len(options.header)} columns "
        f"({', '.join(options.header)}), and the table has {len(cells)}: "
        f"{' | '.join(cells)[:100]}. Name each of them; a column without a known name, such as "
        f"'other', is not read.",
        code="header-of-another-length",
        remedies=[Remedy("header", names, owner="ReadOptions")],
    )


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a row names all columns that some kind of table needs."""
    return is_of_triples(cells) or is_of_entities(cells) or layout_of(cells) is not None


def _column_names(
    sample: Sequence[Row], is_chosen: bool, name: str, statements: Statements
) -> tuple[Sequence[str], bool]:
    """Return the names of the columns, and whether the first row is what names them."""
    first, header = sample[0][1], statements.options.header
    below = [cells for _, cells in sample[1:]]
    is_header = is_chosen or _is_header(first) or is_partial_header(first, below)
    if header and len(header) == len(first):
        return header, is_header and not is_chosen and _is_header(first)
    if is_geonames(first):
        return GEONAMES, False
    if is_header or len(first) not in (2, 3) or is_unknown_header(first, below):
        return first, True
    names = names_of_columns(sample, name)
    statements.builder.note(
        f"a table without a header: columns are {', '.join(names)}, and its first row is "
        f"{', '.join(first)[:100]!r}"
    )
    return names, False
