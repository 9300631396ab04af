"""Read the values in the cells of a column: what separates several, and what stands for none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kgbert.graph.rdf.statements import Statements
from kgbert.reporting.formatting import counted
from kgbert.utils.missing_values import AMBIGUOUS_WORDS, MISSING_WORDS

#: Rows from which it is learned how the columns are written.
SAMPLE = 50_000

#: Values that mark an entity or an edge as obsolete; D and U are those of OMOP (deleted, updated).
OBSOLETE = frozenset(
    ("true", "1", "yes", "y", "obsolete", "deprecated", "retired", "inactive", "d", "u")
)
#: What programs write for a missing value, in lower case.
_MISSING = MISSING_WORDS | AMBIGUOUS_WORDS
#: Those of them that entities are called: Namibia is NA.
_MAY_BE_ENTITIES = frozenset(("na", "none", "nil"))
#: Sodium; programs write "NA" or "na".
_SODIUM = "Na"
#: From this many cells on such a word is no name (a gene is called "nan").
_OFTEN = 3
#: A comma between the parts of one name, or of one number, rather than between two names.
_BARE_COMMA = re.compile(r"(?<!\d),(?=[^\s\d])|,(?=[^\s\d])|(?<=[^\s\d]),(?=\d)")
#: An item of a list as Python and JSON write it, and such a list; NumPy writes no commas.
_ITEM = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\"""", re.DOTALL)
_LIST = re.compile(
    rf"\[\s*+(?:(?:{_ITEM.pattern}|None|null|nan)\s*+,?\s*+)*+\]|set\(\)"
    rf"|\{{\s*+(?:{_ITEM.pattern}\s*+,?\s*+)++\}}",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
#: A column of lists has this many parts in a cell with commas; "Anemia, Iron-Deficiency" has two.
_PARTS_OF_A_LIST = 3


@dataclass(frozen=True)
class Column:
    """How the cells of a column are written, as its first rows show it."""

    separator: str = "|"
    missing: frozenset[str] = frozenset()
    has_brackets: bool = False

    @classmethod
    def of(cls, cells: Sequence[str], *, of_ids: bool = False) -> "Column":
        """Return how a column is written.

        Args:
            cells: Many of its cells.
            of_ids: Whether the values are ids, in which no comma is expected.

        >>> Column.of(["Anemia, Iron-Deficiency", "Carcinoma, Basal Cell|Rodent ulcer"]).separator
        '|'
        >>> Column.of(["Zurli,Zürl", "Bern"]).separator, Column.of(["Anemia, Iron"]).separator
        (',', '|')
        >>> Column.of(["['cor', 'hart']"]).split("['cor', 'hart']")
        ['cor', 'hart']
        """
        lists = [cell for cell in cells if not _LIST.fullmatch(cell)]
        brackets = all(cell[:1] == "[" and cell[-1:] == "]" for cell in lists if cell)
        has_brackets = brackets and any("," in cell for cell in lists)
        return cls(_separator(lists, of_ids), _missing_words(cells), has_brackets)

    @classmethod
    def of_entities(cls, cells: Sequence[str], others: Sequence[str]) -> "Column":
        """Return how a column of entities is written, each of which may stand in many rows.

        Args:
            cells: Many of its cells.
            others: Cells in which a word for a missing value is no such word if it also is a
                name: a country that has neighbours in one column is the neighbour in the other.

        >>> Column.of_entities(["NA", "NULL", "NULL"], ["NA", "NULL"]).missing
        frozenset({'null'})
        """
        names = {cell.lower() for cell in others} & _MAY_BE_ENTITIES
        return cls(missing=_missing_words(cells) - names)

    def split(self, cell: str) -> list[str]:
        """Return the values of a cell."""
        if self.is_missing(cell):
            return []
        if _LIST.fullmatch(cell):
            parts = [_unescaped(item[1:-1]) for item in _ITEM.findall(cell)]
        elif self.has_brackets:
            parts = cell[1:-1].split(",")
        else:
            parts = cell.split(self.separator)
        return [part.strip() for part in parts if not self.is_missing(part.strip())]

    def is_missing(self, cell: str) -> bool:
        """Whether a cell contains no value."""
        return not cell or (cell.lower() in self.missing and cell != _SODIUM)


def note_missing(column: Column, cells: Sequence[str], place: str, statements: Statements) -> None:
    """Note how many cells of a column are read as missing."""
    if column.missing:
        count = sum(map(column.is_missing, cells)) - cells.count("")
        statements.builder.note(
            f"{counted(count, 'cell')} of the column of {place} read as missing: "
            f"{', '.join(sorted(column.missing))}"
        )


def _unescaped(text: str) -> str:
    """Return the text of an item that Python, pandas or JSON writes between quotes."""
    plain = _ESCAPE.sub(_character, text)
    # JSON writes rare characters as two halves.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    mark = escape[1]
    if len(mark) > 1:
        return chr(int(mark[1:], 16))
    return " " if mark in "nrt" else mark


def _missing_words(cells: Sequence[str]) -> frozenset[str]:
    """Return the words for a missing value in a column, if there are enough of them."""
    counts = Counter(cell.lower() for cell in cells if cell != _SODIUM)
    missing = frozenset(word for word in _MISSING if counts[word])
    often = sum(counts[word] for word in missing) >= _OFTEN
    return missing if often else frozenset()


def _separator(cells: Sequence[str], of_ids: bool) -> str:
    """Return what separates the values of a column: what is surely a separator wins."""
    for mark in ("\n", "|", ";"):
        if any(mark in cell for cell in cells):
            return mark
    lists = [cell for cell in cells if "," in cell]
    if not lists:
        return "|"
    if of_ids:
        return ","
    if not any(", " in cell for cell in lists):
        # Numbers of chemicals, as in "1,2-dimethyl", are parts of one name.
        return "," if all(_BARE_COMMA.search(cell) for cell in lists) else "|"
    parts = sum(cell.count(", ") + 1 for cell in lists) / len(lists)
    is_list = parts >= _PARTS_OF_A_LIST and 2 * len(lists) >= len([c for c in cells if c])
    return ", " if is_list else "|"
