"""Read tables of entities, or of relations: a row for each, and a column for each property."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

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
from kgbert.graph.readers.tables.columns import Positions, complete_rows, custom_columns
from kgbert.graph.readers.tables.rows import Row
from kgbert.graph.readers.tables.values import OBSOLETE, SAMPLE, Column, note_missing
from kgbert.reporting.formatting import counted

_NAME = expand(RELATION_ALIASES["name"])
_SYNONYM = expand(SYNONYM)
_DEFINITION = expand(RELATION_ALIASES["definition"])
#: Role of a column of ids -> the predicate of each.
_RESOURCES = {
    "parents": SUBCLASS,
    "classes": RDF_TYPE,
    "equivalents": EQUIVALENT,
    "replacement": REPLACED_BY[0],
    "general": SUBPROPERTY,
    "domains": DOMAINS[0],
    "ranges": RANGES[0],
}
#: Role of a column -> the predicate of its values.
_PREDICATES = {
    "name": _NAME,
    "synonyms": _SYNONYM,
    "definition": _DEFINITION,
    "obsolete": DEPRECATED[0],
    **_RESOURCES,
}

#: Cells of a row by the role of their columns.
_Cells = Mapping[str, Sequence[str]]


class EntityTable:
    """Adds the rows of a table of entities to statements."""

    def __init__(
        self, positions: Positions, name: str, statements: Statements, names: Sequence[str] = ()
    ) -> None:
        """Start with the columns of each role, and perhaps the names of all columns."""
        self.positions, self.name, self.statements = positions, name, statements
        # The properties of the options, which their readers count, in the place of the usual ones.
        self.predicates = _PREDICATES | {
            role: expand(column) for role, column in custom_columns(names, statements).items()
        }
        self.columns: dict[int, Column] = {}
        self._named: set[str] = set()
        self._tree_numbers: dict[str, str] = {}

    def add(self, rows: Iterator[Row]) -> None:
        """Add all rows."""
        for entity, cells in self._by_role(rows):
            self.statements.described.add(entity)
            self._add_names(entity, cells)
            self._add_properties(entity, cells)
        self._add_tree_edges()

    def add_relations(self, rows: Iterator[Row]) -> None:
        """Add all rows of a table of relations."""
        for relation, cells in self._by_role(rows):
            self.statements.add_resource(relation, RDF_TYPE, PROPERTY_TYPES[0])
            self._add_names(relation, cells)
            self._add_properties(relation, cells)

    def _by_role(self, rows: Iterator[Row]) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield the id of each row that has one, and its values by role."""
        sample = list(islice(rows, SAMPLE))
        self._learn_columns(sample)
        required = {role: self.positions[role] for role in ("id", "name") if role in self.positions}
        without_id = 0
        for cells in complete_rows(chain(sample, rows), required, self.name):
            position = self.positions["id"][0]
            if self.columns[position].is_missing(cells[position]):
                without_id += 1
                continue
            entity = expand(cells[position])
            yield (
                entity,
                {
                    role: self._values(role, positions, cells)
                    for role, positions in self.positions.items()
                    if role != "id"
                },
            )
        if without_id:
            note = f"{counted(without_id, 'row')} of {self.name} without an id skipped"
            self.statements.builder.note(note)

    def _learn_columns(self, sample: Sequence[Row]) -> None:
        for role, positions in self.positions.items():
            for position in positions:
                cells = [row[position] for _, row in sample if position < len(row)]
                if role == "id":
                    column = Column.of_entities(cells, cells)
                else:
                    column = Column.of(cells, of_ids=role in _RESOURCES or role == "tree")
                self.columns[position] = column
                note_missing(column, cells, f"{role} in {self.name}", self.statements)

    def _values(self, role: str, positions: Sequence[int], cells: Sequence[str]) -> list[str]:
        values = []
        for position in positions:
            cell = cells[position] if position < len(cells) else ""
            column = self.columns[position]
            if role in _RESOURCES or role in ("synonyms", "tree"):
                values += column.split(cell)
            elif not column.is_missing(cell):
                values.append(cell)
        return values

    def _add_names(self, entity: str, cells: _Cells) -> None:
        """Add the names of a row; of several rows of one id the first has the preferred name."""
        is_synonym = cells.get("name_status", ["P"]) != ["P"] or entity in self._named
        for name in cells.get("name", ()):
            self.statements.add_literal(
                entity, _SYNONYM if is_synonym else self.predicates["name"], name
            )
            if not is_synonym:
                self._named.add(entity)
        for synonym in cells.get("synonyms", ()):
            self.statements.add_literal(entity, self.predicates["synonyms"], synonym)

    def _add_properties(self, entity: str, cells: _Cells) -> None:
        for definition in cells.get("definition", ()):
            self.statements.add_literal(entity, self.predicates["definition"], definition)
        if any(value.lower() in OBSOLETE for value in cells.get("obsolete", ())):
            self.statements.add_literal(entity, self.predicates["obsolete"], "true")
        for role in _RESOURCES:
            for value in cells.get(role, ()):
                self.statements.add_resource(entity, self.predicates[role], expand(value))
        self._tree_numbers.update(dict.fromkeys(cells.get("tree", ()), entity))

    def _add_tree_edges(self) -> None:
        """Add an edge to the entity whose tree number (such as C10.228) is one level above."""
        for number, entity in self._tree_numbers.items():
            above = self._tree_numbers.get(number.rpartition(".")[0])
            if above is not None and above != entity:
                self.statements.add_resource(entity, SUBCLASS, above)
