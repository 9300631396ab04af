"""Read tables of entities, or of relations, with a row for each and a column for each property."""

from collections.abc import Iterator, Mapping, Sequence

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import (
    DEPRECATED,
    DOMAINS,
    EQUIVALENT,
    PROPERTY_TYPES,
    RANGES,
    RDF_TYPE,
    RELATION_ALIASES,
    REPLACED_BY,
    SUBCLASS,
    SUBPROPERTY,
    SYNONYM,
)
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.table_columns import ENTITY, RELATION, Row, cells_of, places_of, tell

_NAME = expand(RELATION_ALIASES["name"])
#: Role of a column that holds one text -> what is said by it.
_TEXTS = {
    "name": _NAME,
    "definition": expand(RELATION_ALIASES["definition"]),
    "obsolete": DEPRECATED[0],
}
#: Role of a column that may hold several ids -> what is said by each.
_ENDS = {
    "parents": SUBCLASS,
    "classes": RDF_TYPE,
    "equivalents": EQUIVALENT,
    "replacement": REPLACED_BY[0],
    "general": SUBPROPERTY,
    "domains": DOMAINS[0],
    "ranges": RANGES[0],
}


def add_entities(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add the entities of a table whose columns have the given names."""
    places = places_of(names, ENTITY)
    tell(names, places, statements)
    owners: dict[str, str] = {}
    for entity, said in _said(rows, places, name):
        statements.described.add(entity)
        _add(entity, said, statements)
        for synonym in _split(said.get("synonyms", "")):
            statements.add_literal(entity, expand(SYNONYM), synonym)
        owners.update(dict.fromkeys(_split(said.get("tree", "")), entity))
    _climb_trees(owners, statements)


def add_relations(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add the relations of a table whose columns have the given names."""
    places = places_of(names, RELATION)
    tell(names, places, statements)
    for relation, said in _said(rows, places, name):
        statements.add_resource(relation, RDF_TYPE, PROPERTY_TYPES[0])
        _add(relation, said, statements)


def _said(
    rows: Iterator[Row], places: Mapping[str, int], name: str
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the id of each row that has one, and its cells by their role."""
    for cells in cells_of(rows, {"id": places["id"], "name": places["name"]}, name):
        said = {role: cells[place] for role, place in places.items() if place < len(cells)}
        if said["id"]:
            yield expand(said["id"]), said


def _add(thing: str, said: Mapping[str, str], statements: Statements) -> None:
    for role, text in said.items():
        if role in _TEXTS:
            statements.add_literal(thing, _TEXTS[role], text)
        elif role in _ENDS:
            for end in _split(text):
                statements.add_resource(thing, _ENDS[role], expand(end))


def _split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several values."""
    separator = next((mark for mark in ("|", ";", ", ") if mark in cell), "|")
    return [part.strip() for part in cell.split(separator) if part.strip()]


def _climb_trees(owners: Mapping[str, str], statements: Statements) -> None:
    """Add an edge to whoever owns the tree number (such as C10.228) one level above."""
    for number, entity in owners.items():
        above = owners.get(number.rpartition(".")[0])
        if above is not None and above != entity:
            statements.add_resource(entity, SUBCLASS, above)
