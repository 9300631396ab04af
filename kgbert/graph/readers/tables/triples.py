"""Read tables of triples or of edges: a row for each."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import RELATION_ALIASES
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import Positions, column_key, complete_rows
from kgbert.graph.readers.tables.rows import Row
from kgbert.graph.readers.tables.values import OBSOLETE, SAMPLE, Column, note_missing
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError, Remedy

#: Relations of OMOP, which states each in both directions, and of a concept also to itself.
_REPLACED_BY, _REPLACES = "concept replaced by", "concept replaces"
_MAPPINGS = ("maps to", "mapped from")
#: Column of the object -> the relation, in tables that name none; others are read as is_a.
_RELATION_OF_COLUMN = {"broaderuri": "broader"}


def add_triples(
    rows: Iterator[Row],
    positions: Positions,
    names: Sequence[str],
    name: str,
    statements: Statements,
) -> None:
    """Add the rows of a table of triples or edges.

    Raises:
        GraphError: Most rows lack a part.
    """
    statements.ids_are_names = True
    ends = {role: several for role, several in positions.items() if role != "obsolete"}
    subject_at, object_at = positions["subject"][0], positions["object"][0]
    predicate_at = positions["predicate"][0] if "predicate" in positions else None
    default = _RELATION_OF_COLUMN.get(column_key(names[object_at]), "is_a")
    if predicate_at is None:
        statements.builder.note(
            f"no column names the relations of {name}: every edge is read as {default}"
        )
    rows = _valid_rows(rows, positions, name, statements)
    sample = list(islice(rows, SAMPLE))
    columns = _learn_columns(sample, ends, name, statements)
    predicates: dict[str, tuple[str, bool]] = {}
    row_count = incomplete = missing = 0
    for cells in complete_rows(chain(sample, rows), ends, name):
        row_count += 1
        subject, target = expand(cells[subject_at]), cells[object_at]
        word = default if predicate_at is None else cells[predicate_at]
        if word not in predicates:
            predicate = expand(RELATION_ALIASES.get(word.lower(), word))
            predicates[word] = predicate, statements.is_text_predicate(predicate)
        predicate, is_text = predicates[word]
        if not (subject and target and word):
            incomplete += 1
        elif any(column.is_missing(cells[position]) for position, column in columns.items()):
            missing += 1
        elif is_text:
            statements.add_literal(subject, predicate, target)
        else:
            _add_edge(subject, word, predicate, expand(target), statements)
    _check_incomplete(incomplete, missing, row_count, name, statements)


def _add_edge(subject: str, word: str, predicate: str, target: str, statements: Statements) -> None:
    if word.lower() == _REPLACES:
        statements.add_literal(target, expand(RELATION_ALIASES[_REPLACED_BY]), subject)
    elif subject == target and word.lower() in _MAPPINGS:
        reason = "an entity that is mapped to itself"
        statements.builder.drop_edges(reason, 1, f"{subject} {word} {target}")
    else:
        # A table declares no entities: each end of an edge is one.
        statements.described.update((subject, target))
        statements.add_resource(subject, predicate, target)


def _valid_rows(
    rows: Iterator[Row], positions: Positions, name: str, statements: Statements
) -> Iterator[Row]:
    """Yield the rows that are not marked as obsolete, and note how many are."""
    if "obsolete" not in positions:
        yield from rows
        return
    position, obsolete = positions["obsolete"][0], 0
    for line, cells in rows:
        if position < len(cells) and cells[position].lower() in OBSOLETE:
            obsolete += 1
        else:
            yield line, cells
    if obsolete:
        statements.builder.note(f"{counted(obsolete, 'row')} of {name} skipped: obsolete")


def _learn_columns(
    sample: Sequence[Row], positions: Positions, name: str, statements: Statements
) -> dict[int, Column]:
    """Return those columns, by position, that have words for a missing value."""
    cells = {
        role: [row[position] for _, row in sample if position < len(row)]
        for role, (position, *_) in positions.items()
    }
    columns = {}
    for role, (position, *_) in positions.items():
        others = cells[_OTHER_END[role]] if role in _OTHER_END else ()
        column = Column.of_entities(cells[role], others)
        note_missing(column, cells[role], f"{role} in {name}", statements)
        for word in sorted(Column.of(cells[role]).missing - column.missing):
            statements.builder.note(f"{word!r} in the column of {role} in {name} is an entity, too")
        if column.missing:
            columns[position] = column
    return columns


def _check_incomplete(
    incomplete: int, missing: int, row_count: int, name: str, statements: Statements
) -> None:
    """Note the rows without all their parts, or refuse a table of them."""
    if 2 * incomplete > row_count or 0 < row_count == incomplete + missing:
        raise GraphError(
            f"{name}: {incomplete + missing:,} of {row_count:,} rows lack a subject, predicate or "
            f"object, so this is not a table of triples.",
            code="incomplete-triples",
            remedies=[
                Remedy("columns", ("id=...", "name=..."), "if it contains entities", "ReadOptions")
            ],
        )
    if skipped := incomplete + missing:
        statements.builder.note(
            f"{counted(skipped, 'row')} of {name} skipped: no subject, predicate or object"
        )


#: End of an edge -> the other one.
_OTHER_END = {"subject": "object", "object": "subject"}
