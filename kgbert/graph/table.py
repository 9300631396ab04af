"""Read tables, CSV or TSV: of triples, of edges, or of entities with a column for each property."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from kgbert.graph.graph import GraphError
from kgbert.graph.identifiers import expand
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements
from kgbert.graph.vocabulary import RELATION_WORDS, SYNONYM

Row = tuple[int, list[str]]

#: What the columns of a triple are called in the wild.
_TRIPLE = {
    "subject": (
        "subject",
        "head",
        "source",
        "child",
        "s",
        "h",
        "from",
        "subj",
        "start",
        ":start_id",
    ),
    "predicate": ("predicate", "relation", "property", "edge", "type", "p", "r", "rel", ":type"),
    "object": ("object", "tail", "target", "parent", "o", "t", "to", "obj", "end", ":end_id"),
}
#: What the columns of a table of entities are called, and what they hold.
_ENTITY = {
    "id": ("id", "iri", "uri", "code", "identifier", "curie", "cui", ":id", "class id"),
    "name": ("name", "label", "preferred label", "preferred name", "title", "rdfs:label"),
    "synonyms": ("synonyms", "synonym", "aliases", "alias", "alternative names", "altlabel"),
    "definition": ("definition", "definitions", "description", "comment", "desc"),
    "parents": ("parents", "parent", "parent_id", "is_a", "subclassof", "subtypeof", "broader"),
    "tree": ("tree", "tree numbers", "tree_numbers", "tree number"),
}
_EXPECTED = (
    "A table holds triples (subject, predicate, object), edges (subject, object) or entities (id, "
    "name, and perhaps synonyms, definition, parents); if its columns have other names, say which "
    "are which: options=ReadOptions(columns=('from', 'how', 'to')), or, where the file has no "
    "header, ReadOptions(header=('id', 'name', 'synonyms'))."
)


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
        raise GraphError(f"{name}: the table has no rows. {_EXPECTED}")
    header = statements.options.header
    if header and len(header) == len(first[1]):
        names, rows = list(header), _chain(first, rows)
    elif not statements.options.columns and not _recognised(first[1]) and len(first[1]) in (2, 3):
        names, rows = ["subject", "predicate", "object"], _chain(first, rows)
        names = names if len(first[1]) == 3 else ["subject", "object"]
    else:
        names = first[1]
    places = _triple_places(names, name, statements)
    if places is not None:
        _tell(names, places, statements)
        _add_triples(rows, places, name, statements)
    else:
        places = _places(names, _ENTITY)
        _tell(names, places, statements)
        _add_entities(rows, places, name, statements)


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


def _tell(names: Sequence[str], places: Mapping[str, int], statements: Statements) -> None:
    """Note which columns are read as what, and which are not, unless their names tell."""
    if [name.lower() for name in names] == list(places):
        return
    read = ", ".join(f"{names[place]!r} as {role}" for role, place in places.items())
    others = [repr(name) for place, name in enumerate(names) if place not in places.values()]
    left_out = f"; not {', '.join(others)}" if others else ""
    statements.builder.note(f"columns read: {read}{left_out}")


def _chain(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _places(names: Sequence[str], roles: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the place of the column that plays each role."""
    lowered = [name.lower().lstrip("#").strip() for name in names]
    found = {
        role: next((lowered.index(alias) for alias in aliases if alias in lowered), None)
        for role, aliases in roles.items()
    }
    return {role: place for role, place in found.items() if place is not None}


def _recognised(names: Sequence[str]) -> bool:
    triple, entity = _places(names, _TRIPLE), _places(names, _ENTITY)
    return {"subject", "object"} <= triple.keys() or {"id", "name"} <= entity.keys()


def _triple_places(
    names: Sequence[str], name: str, statements: Statements
) -> dict[str, int] | None:
    """Return where the parts of a triple stand, or None for a table of entities."""
    if columns := statements.options.columns:
        for column in columns:
            if column not in names:
                raise GraphError(
                    f"{name}: no column {column!r} among {', '.join(names[:12])}. {_EXPECTED}"
                )
        roles = tuple(_TRIPLE) if len(columns) == 3 else ("subject", "object")
        return {role: names.index(name) for role, name in zip(roles, columns, strict=False)}
    places = _places(names, _TRIPLE)
    if {"subject", "object"} <= places.keys():
        return places
    if {"id", "name"} <= _places(names, _ENTITY).keys():
        return None
    missing = "object" if "subject" in places else "subject"
    raise GraphError(f"{name}: no column {missing!r} among {', '.join(names[:12])}. {_EXPECTED}")


def _cells(rows: Iterator[Row], places: Mapping[str, int], name: str) -> Iterator[list[str]]:
    """Yield the cells of each row that has as many as the columns ask for."""
    needed = max(places.values()) + 1
    for line, cells in rows:
        if len(cells) < needed:
            raise GraphError(
                f"{name}, line {line}: {len(cells)} cells, too few for {needed} columns "
                f"({', '.join(cells)[:60]}). Complete the row or remove it; a cell with the "
                f"separator in it needs double quotes."
            )
        yield cells


def _add_triples(
    rows: Iterator[Row], places: dict[str, int], name: str, statements: Statements
) -> None:
    statements.ids_are_names = True
    subject_place, object_place = places["subject"], places["object"]
    predicate_place = places.get("predicate")
    meanings: dict[str, tuple[str, bool]] = {}
    rows_read = incomplete = 0
    for cells in _cells(rows, places, name):
        rows_read += 1
        subject, target = expand(cells[subject_place]), cells[object_place]
        word = "is_a" if predicate_place is None else cells[predicate_place]
        if word not in meanings:
            predicate = expand(RELATION_WORDS.get(word.lower(), word))
            meanings[word] = predicate, statements.takes_text(predicate)
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
    _complain(incomplete, rows_read, name, statements)


def _complain(incomplete: int, rows_read: int, name: str, statements: Statements) -> None:
    """Note the rows that said nothing, or refuse a table of them."""
    if 2 * incomplete > rows_read:
        raise GraphError(
            f"{name}: {incomplete:,} of {rows_read:,} rows lack a subject, predicate or "
            f"object, so this is no table of triples. {_EXPECTED}"
        )
    if incomplete:
        statements.builder.note(
            f"{incomplete:,} rows of {name} skipped: no subject, predicate or object"
        )


def _add_entities(
    rows: Iterator[Row], places: dict[str, int], name: str, statements: Statements
) -> None:
    predicates = {
        "name": expand(RELATION_WORDS["name"]),
        "synonyms": expand(SYNONYM),
        "definition": expand(RELATION_WORDS["definition"]),
    }
    owners: dict[str, str] = {}
    for cells in _cells(rows, {"id": places["id"], "name": places["name"]}, name):
        entity = expand(cells[places["id"]])
        if not entity:
            continue
        said = {role: cells[place] for role, place in places.items() if place < len(cells)}
        statements.described.add(entity)
        statements.add_literal(entity, predicates["name"], said["name"])
        statements.add_literal(entity, predicates["definition"], said.get("definition", ""))
        for synonym in _split(said.get("synonyms", "")):
            statements.add_literal(entity, predicates["synonyms"], synonym)
        for parent in _split(said.get("parents", "")):
            statements.add_resource(entity, expand(RELATION_WORDS["is_a"]), expand(parent))
        owners.update(dict.fromkeys(_split(said.get("tree", "")), entity))
    _climb_trees(owners, statements)


def _split(cell: str) -> list[str]:
    """Return the parts of a cell that holds several values."""
    separator = next((mark for mark in ("|", ";", ", ") if mark in cell), "|")
    return [part.strip() for part in cell.split(separator) if part.strip()]


def _climb_trees(owners: Mapping[str, str], statements: Statements) -> None:
    """Add an edge to whoever owns the tree number (such as C10.228) one level above."""
    for number, entity in owners.items():
        above = owners.get(number.rpartition(".")[0])
        if above is not None and above != entity:
            statements.add_resource(entity, expand(RELATION_WORDS["is_a"]), above)
