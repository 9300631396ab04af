"""Read tables whose columns are the levels of a hierarchy."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import RELATION_ALIASES, SUBCLASS
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.columns import column_key, complete_rows
from kgbert.graph.readers.tables.rows import Row
from kgbert.graph.readers.tables.values import SAMPLE, Column, note_missing
from kgbert.reporting.formatting import counted

_NAME = expand(RELATION_ALIASES["name"])

_LEVEL = re.compile(
    r"(level|lvl|tier|ebene|stufe|niveau|nivel|nível|livello)[ ._-]?(\d{1,4}|[a-z])"
    r"(?:[ _-](uri|id|code|name|label|preferred term))?"
)
#: A level only where all columns are called so: "L1", "h1".
_SHORT_LEVEL = re.compile(r"([lh])[ ._-]?(\d)()")
#: Before the name of a column that is one level below another: class, subclass.
_BELOW = ("sub", "unter", "sous", "sotto")
_LEVEL_IDS = ("uri", "id", "code")

#: Level -> the positions of the columns of its id and its name.
_Levels = Mapping[int, Mapping[str, int]]


def has_levels(names: Sequence[str]) -> bool:
    """Whether columns with such names are the levels of a hierarchy.

    >>> has_levels(["Ebene 1", "Ebene 2"]), has_levels(["class", "subclass"]), has_levels(["L1"])
    (True, True, False)
    """
    return len(_levels_of(names)) > 1


def add_levels(
    names: Sequence[str], rows: Iterator[Row], name: str, statements: Statements
) -> None:
    """Add the paths of a hierarchy, whose columns are its levels.

    A level may be written once above the rows of what is below it.
    """
    statements.ids_are_names = True
    levels = _levels_of(names)
    used = {position for columns in levels.values() for position in columns.values()}
    others = [repr(each) for position, each in enumerate(names) if position not in used]
    unused = f"; not used: {', '.join(others)}" if others else ""
    statements.builder.note(f"columns read: {len(levels)} levels of a hierarchy{unused}")
    _PathTable(levels, name, statements).add(rows)


class _PathTable:
    """Adds the rows of a table of levels to statements."""

    def __init__(self, levels: _Levels, name: str, statements: Statements) -> None:
        self.levels, self.name, self.statements = levels, name, statements
        self.columns: dict[int, Column] = {}
        # Level -> its entity in the rows before.
        self._path: dict[int, str] = {}
        self._inherits = False
        self._inheriting = self._without_parent = 0

    def add(self, rows: Iterator[Row]) -> None:
        """Add all rows."""
        sample = list(islice(rows, SAMPLE))
        self._learn_columns(sample)
        steps = [self._steps(cells) for _, cells in sample]
        # Where a row repeats what is above it, an empty cell is a gap.
        self._inherits = not any(
            before[0] == after[0] and len(after) > 1
            for before, after in pairwise(filter(None, steps))
        )
        for cells in complete_rows(chain(sample, rows), {"level": [0]}, self.name):
            self._add_path(self._steps(cells))
        self._note_gaps()

    def _learn_columns(self, sample: Sequence[Row]) -> None:
        for level, columns in self.levels.items():
            for position in columns.values():
                cells = [row[position] for _, row in sample if position < len(row)]
                column = self.columns[position] = Column.of_entities(cells, cells)
                note_missing(column, cells, f"level {level} in {self.name}", self.statements)

    def _steps(self, cells: Sequence[str]) -> list[tuple[int, str, str]]:
        """Return (level, entity, name) of the cells that are not empty."""
        steps = []
        for level, columns in self.levels.items():
            entity, label = (self._cell(cells, columns.get(part)) for part in ("id", "name"))
            if entity := expand(entity or label):
                steps.append((level, entity, label))
        return steps

    def _cell(self, cells: Sequence[str], position: int | None) -> str:
        if position is None or position >= len(cells):
            return ""
        return "" if self.columns[position].is_missing(cells[position]) else cells[position]

    def _add_path(self, steps: Sequence[tuple[int, str, str]]) -> None:
        first = steps[0][0] if steps else 0
        inherited = [entity for level, entity in self._path.items() if level < first]
        above = inherited[-1] if inherited and self._inherits else ""
        self._inheriting += bool(above)
        self._without_parent += bool(steps) and not above and first > min(self.levels)
        for level, entity, label in steps:
            self.statements.described.add(entity)
            if label and label != entity:
                self.statements.add_literal(entity, _NAME, label)
            if above and above != entity:
                self.statements.add_resource(entity, SUBCLASS, above)
            above = entity
            self._path = {k: other for k, other in self._path.items() if k < level}
            self._path[level] = entity

    def _note_gaps(self) -> None:
        if count := self._inheriting:
            self.statements.builder.note(
                f"{counted(count, 'row')} of {self.name} without the first levels: those of the "
                f"rows before are above them"
            )
        if count := self._without_parent:
            self.statements.builder.note(
                f"{counted(count, 'row')} of {self.name} without the first levels: nothing is "
                f"above them"
            )


def _levels_of(names: Sequence[str]) -> _Levels:
    """Return the positions of the id and the name of each level, the highest first."""
    keys = [column_key(name) for name in names]
    if len(keys) > 1 and all(map(_is_below, keys[1:], keys)):
        return {level: {"name": level} for level in range(len(keys))}
    are_short = all(map(_SHORT_LEVEL.fullmatch, keys))
    matches = [(_SHORT_LEVEL if are_short else _LEVEL).fullmatch(key) for key in keys]
    word = next((match[1] for match in matches if match), "")
    levels: dict[int, dict[str, int]] = {}
    for position, match in enumerate(matches):
        if match and match[1] == word:
            level = int(match[2]) if match[2].isdigit() else ord(match[2])
            part = "id" if match[3] in _LEVEL_IDS else "name"
            levels.setdefault(level, {}).setdefault(part, position)
    return dict(sorted(levels.items()))


def _is_below(key: str, above: str) -> bool:
    return any(key.removeprefix(prefix).lstrip(" _-") == above != key for prefix in _BELOW)
