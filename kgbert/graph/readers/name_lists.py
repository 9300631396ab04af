"""Read plain lists: a name a line, or a path from the root of a hierarchy a line."""

import re
from collections.abc import Sequence
from itertools import pairwise

from kgbert.graph.core.vocabulary import RELATION_ALIASES
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import ENTITY, column_key

#: The id that some taxonomies write before the path, as in "166 - Clothing > Shoes".
_NUMBERED = re.compile(r"(\d++) - (?=\S)")
#: Deeper lines than this are no outline.
_MOST_STEPS = 50
#: Between the steps of a path.
STEP = " > "
_IS_A = RELATION_ALIASES["is_a"]


def read_names(source: Source, statements: Statements) -> None:
    """Add an entity a line, whose id is its name; of an outline, also the edges to those above."""
    lines = [line.rstrip() for line in source.lines() if line.strip() and line[:1] != "#"]
    # A line above indented ones is an entity.
    if lines and _is_header(lines[0]) and not "".join(lines[1:2])[:1].isspace():
        statements.builder.note(f"{source.name}: its first line {lines.pop(0)!r} names the others")
    if unit := _indentation(lines):
        _add_outline(lines, unit, statements)
        statements.builder.note(f"{source.name} is read as an outline: indented lines are below")
        return
    names = statements.name_lists.setdefault(source.name, [])
    names += [" ".join(line.split()) for line in lines]


def read_paths(source: Source, statements: Statements) -> None:
    """Add the entities of paths such as ``Animals > Dogs > Poodles``.

    The id of an entity is the number before its path, or the path itself: one name may stand for
    different things below different parents.
    """
    ids: dict[str, str] = {}
    for line in source.lines():
        text = line.strip()
        if not text or text.startswith("#") or (not ids and _is_header(text)):
            continue
        number = _NUMBERED.match(text)
        path = text[number.end() :] if number else text
        if number:
            ids[path] = number[1]
        _add_path(path, ids, statements)


def _add_outline(lines: Sequence[str], unit: str, statements: Statements) -> None:
    """Add the lines of an outline, whose ids are their paths."""
    path: list[str] = []
    for line in lines:
        depth, name = _depth(line, unit), " ".join(line.split())
        entity = STEP.join((*path[depth - 1 : depth], name)) if depth else name
        path[depth:] = [entity]
        statements.builder.add_name(entity, name)
        if depth:
            statements.builder.add_edge(entity, _IS_A, path[depth - 1])


def _add_path(path: str, ids: dict[str, str], statements: Statements) -> None:
    builder = statements.builder
    above = ""
    steps = path.split(STEP)
    for depth, name in enumerate(steps, start=1):
        place = STEP.join(steps[:depth])
        entity = ids.setdefault(place, place)
        builder.add_name(entity, name)
        if above and above != entity:
            builder.add_edge(entity, _IS_A, above)
        above = entity


def _is_header(line: str) -> bool:
    """Whether a line says what the others are."""
    return column_key(line.strip()) in _HEADERS


def _indentation(lines: Sequence[str]) -> str:
    """Return what a line of an outline has before it more than the line above, if it is one.

    >>> _indentation(["Animals", "  Dogs", "    Poodles"]), _indentation(["aspirin", " acid"])
    ('  ', '')
    """
    indents = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines]
    unit = next(filter(None, indents), "")
    # One space may be a mistake.
    if not unit or indents[0] or (unit != "\t" and (len(unit) < 2 or unit.strip(" "))):
        return ""
    depths = [len(indent) // len(unit) for indent in indents]
    are_whole = all(map(str.__eq__, indents, (unit * depth for depth in depths)))
    are_steps = all(after <= before + 1 for before, after in pairwise(depths))
    # A tab within a line separates cells.
    has_cells = any("\t" in line.strip() for line in lines)
    is_outline = are_whole and are_steps and max(depths) < _MOST_STEPS and not has_cells
    return unit if is_outline else ""


def _depth(line: str, unit: str) -> int:
    return (len(line) - len(line.lstrip(" \t"))) // len(unit)


#: Lines that say what those below them are.
_HEADERS = frozenset(
    (
        *ENTITY["name"],
        *("names", "labels", "titles", "terms", "concept", "concepts", "entity", "entities"),
        *("category", "categories", "keyword", "keywords", "path", "paths", "full path"),
        *("begriff", "begriffe", "bezeichnung", "bezeichnungen", "kategorie", "kategorien"),
        *("nom", "noms", "nombre", "nombres", "término", "términos", "termini"),
    )
)
