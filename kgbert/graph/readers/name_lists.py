"""Read plain lists: a name a line, or a path from the root of a hierarchy a line."""

import re

from kgbert.graph.core.vocabulary import RELATION_ALIASES
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import ENTITY, column_key

#: The id that some taxonomies write before the path, as in "166 - Clothing > Shoes".
_NUMBERED = re.compile(r"(\d++) - (?=\S)")
#: Between the steps of a path.
STEP = " > "
_IS_A = RELATION_ALIASES["is_a"]


def read_names(source: Source, statements: Statements) -> None:
    """Add an entity a line, whose id is its name."""
    names = statements.name_lists.setdefault(source.name, [])
    for number, line in enumerate(source.lines()):
        name = " ".join(line.split())
        is_header = number == 0 and column_key(name) in ENTITY["name"]
        if name and not is_header and not line.startswith("#"):
            names.append(name)


def read_paths(source: Source, statements: Statements) -> None:
    """Add the entities of paths such as ``Animals > Dogs > Poodles``.

    The id of an entity is the number before its path, or the path itself: one name may stand for
    different things below different parents.
    """
    ids: dict[str, str] = {}
    for line in source.lines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        number = _NUMBERED.match(text)
        path = text[number.end() :] if number else text
        if number:
            ids[path] = number[1]
        _add_path(path, ids, statements)


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
