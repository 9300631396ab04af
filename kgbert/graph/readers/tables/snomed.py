"""Read the tables of a release of SNOMED CT (RF2): concepts, descriptions and relationships."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import DEPRECATED, RELATION_ALIASES, SUBCLASS, SYNONYM
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import complete_rows
from kgbert.graph.readers.tables.rows import Row
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError

_IS_A = "116680003"
_SYNONYM = expand(SYNONYM)
#: Type of a description -> its predicate: full names, synonyms, definitions.
_DESCRIPTIONS = {
    "900000000000003001": expand(RELATION_ALIASES["name"]),
    "900000000000013009": _SYNONYM,
    "900000000000550004": expand(RELATION_ALIASES["definition"]),
}


def is_of_snomed(names: Sequence[str]) -> bool:
    """Whether columns with such names are those of a release of SNOMED CT."""
    return _columns_of(names) is not None


def add_snomed(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add the rows of a table of a release, but not the inactive ones.

    Raises:
        GraphError: The table has the history of each row, too.
    """
    if "_Full" in PurePath(name).name:
        raise GraphError(
            f"{name}: the history of SNOMED CT, of which most rows are no longer valid. Read the "
            f"tables of the folder Snapshot instead.",
            code="history-of-snomed",
        )
    columns = _columns_of(names) or ()
    keys = [each.lower() for each in names]
    positions = {column: [keys.index(column)] for column in columns}
    inactive = 0
    for cells in complete_rows(rows, positions, name):
        active, *values = (cells[positions[column][0]] for column in columns)
        is_active = active == "1"
        inactive += not is_active
        _TABLES[columns](values, is_active, statements)
    if inactive:
        statements.builder.note(f"{counted(inactive, 'row')} of {name} not read: inactive")


def _add_concept(values: Sequence[str], is_active: bool, statements: Statements) -> None:
    concept, _ = values
    if is_active:
        statements.described.add(concept)
    else:
        statements.add_literal(concept, DEPRECATED[0], "true")


def _add_description(values: Sequence[str], is_active: bool, statements: Statements) -> None:
    concept, kind, language, term = values
    if is_active:
        statements.add_literal(concept, _DESCRIPTIONS.get(kind, _SYNONYM), term, language)


def _add_relationship(values: Sequence[str], is_active: bool, statements: Statements) -> None:
    head, tail, kind = values
    if is_active:
        statements.properties.add(kind)
        statements.described.update((head, tail))
        statements.add_resource(head, SUBCLASS if kind == _IS_A else kind, tail)


def _columns_of(names: Sequence[str]) -> tuple[str, ...] | None:
    keys = {name.lower() for name in names}
    return next((columns for columns in _TABLES if keys.issuperset(columns)), None)


#: Columns of a table, of which the first marks active rows -> the function that adds the others.
_TABLES: Mapping[tuple[str, ...], Callable[[Sequence[str], bool, Statements], None]] = {
    ("active", "conceptid", "typeid", "languagecode", "term"): _add_description,
    ("active", "sourceid", "destinationid", "typeid"): _add_relationship,
    ("active", "id", "definitionstatusid"): _add_concept,
}
