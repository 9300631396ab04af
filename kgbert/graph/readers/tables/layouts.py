"""Layouts of tables that are more than one row an entity or edge."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath

from kgbert.graph.core.identifiers import compact, expand, to_iri
from kgbert.graph.core.vocabulary import RELATION_ALIASES, SUBCLASS
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import complete_rows
from kgbert.graph.readers.tables.levels import add_levels, has_levels
from kgbert.graph.readers.tables.rows import Row
from kgbert.graph.readers.tables.snomed import add_snomed, is_of_snomed

_NAME = expand(RELATION_ALIASES["name"])

#: Adds the rows of a table, whose columns have the names, to statements.
AddRows = Callable[[Sequence[str], Iterator[Row], str, Statements], None]

#: The columns of a table of translations.
_BABELON = ("subject_id", "predicate_id", "translation_language", "translation_value")
#: The columns of OMOP's table of ancestors.
_ANCESTRY = ("descendant_concept_id", "ancestor_concept_id", "min_levels_of_separation")
#: Columns of GeoNames' table, which has no header.
GEONAMES = (
    *("geonameid", "name", "asciiname", "alternatenames", "latitude", "longitude"),
    *("feature class", "feature code", "country code", "cc2", "admin1", "admin2", "admin3"),
    *("admin4", "population", "elevation", "dem", "timezone", "modification date"),
)
#: Begins the ids of relations that have numbers, which entities have too.
_NUMBERED_RELATION = "relation:"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def layout_of(names: Sequence[str]) -> AddRows | None:
    """Return the function that reads a table with such columns, if it has a layout of its own."""
    if has_levels(names):
        return add_levels
    keys = {name.lower() for name in names}
    if keys >= set(_BABELON):
        return add_translations
    if is_of_snomed(names):
        return add_snomed
    if keys >= set(_ANCESTRY):
        return add_ancestry
    return None


def is_geonames(cells: Sequence[str]) -> bool:
    """Whether a row is one of GeoNames."""
    is_complete = len(cells) == len(GEONAMES) and cells[0].isdigit()
    return is_complete and _DATE.fullmatch(cells[-1]) is not None


def file_layout(file_name: str) -> AddRows | None:
    """Return the function that reads a file of a set for knowledge-graph completion, by its name.

    Their tables have no header: ``entity2text.txt`` of KG-BERT, ``entity2id.txt`` of OpenKE.
    """
    return _FILES.get(PurePath(file_name).name.split(".")[0].lower())


def is_numbering(file_name: str) -> bool:
    """Whether a file gives the numbers by which other files call entities or relations."""
    return file_layout(file_name) in (_add_numbered_entities, _add_numbered_relations)


def is_of_completion(file_name: str) -> bool:
    """Whether a file is called as those with the triples of such a set are."""
    return PurePath(file_name).name.split(".")[0].lower() in ("train", "valid", "dev", "test")


def add_translations(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add the names and definitions of a table of translations (Babelon)."""
    keys = [name.lower() for name in names]
    positions = {key: [keys.index(key)] for key in _BABELON}
    for cells in complete_rows(rows, positions, name):
        subject, predicate, language, value = (cells[positions[key][0]] for key in _BABELON)
        if subject and value:
            statements.add_literal(subject, to_iri(predicate), value, language)


def add_ancestry(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add an edge to each ancestor that is a parent; the others follow from these."""
    keys = [name.lower() for name in names]
    positions = {key: [keys.index(key)] for key in _ANCESTRY}
    for cells in complete_rows(rows, positions, name):
        descendant, ancestor, levels = (cells[positions[key][0]] for key in _ANCESTRY)
        if levels == "1":
            statements.described.update((descendant, ancestor))
            statements.add_resource(descendant, SUBCLASS, ancestor)


def _add_texts(predicate: str) -> AddRows:
    """Return a function that adds an id and a text a row."""

    def add(names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements) -> None:
        for entity, text, *_ in complete_rows(rows, {"id": [0], "text": [1]}, name):
            entity = statements.entity_numbers.get(entity, entity)
            statements.add_literal(expand(entity), predicate, text)

    return add


def _name_relations(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    numbered = {
        word: relation
        for relation, word in statements.builder.relations.items()
        if relation.startswith(_NUMBERED_RELATION)
    }
    for relation, text, *_ in complete_rows(rows, {"id": [0], "text": [1]}, name):
        statements.builder.add_relation(numbered.get(relation) or compact(expand(relation)), text)


def _add_numbered_entities(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    for cells in _numbered(rows, 2, name):
        statements.described.add(cells[-1])
        statements.entity_numbers[" ".join(cells[:-1])] = cells[-1]


def _add_numbered_relations(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    for cells in _numbered(rows, 2, name):
        statements.builder.add_relation(f"{_NUMBERED_RELATION}{cells[-1]}", " ".join(cells[:-1]))


def _add_numbered_triples(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    for head, tail, relation, *_ in _numbered(rows, 3, name):
        statements.add_resource(head, f"{_NUMBERED_RELATION}{relation}", tail)


def _numbered(rows: Iterator[Row], columns: int, name: str) -> Iterator[list[str]]:
    """Yield the rows of OpenKE's files, whose first line is the number of the others."""
    parts = {"parts": [columns - 1]}
    split = ((line, cells if len(cells) > 1 else cells[0].split()) for line, cells in rows)
    yield from complete_rows((row for row in split if len(row[1]) > 1), parts, name)


#: Files of sets for knowledge-graph completion.
_FILES: Mapping[str, AddRows] = {
    "entity2text": _add_texts(_NAME),
    "entity2textlong": _add_texts(expand(RELATION_ALIASES["definition"])),
    "entity2description": _add_texts(expand(RELATION_ALIASES["definition"])),
    "relation2text": _name_relations,
    "entity2id": _add_numbered_entities,
    "relation2id": _add_numbered_relations,
    "train2id": _add_numbered_triples,
    "valid2id": _add_numbered_triples,
    "test2id": _add_numbered_triples,
}
