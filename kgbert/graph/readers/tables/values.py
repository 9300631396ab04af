"""Read the values in the cells of a column: what separates several, and what stands for none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

#: What programs write for a missing value, in lower case.
_MISSING = frozenset(("nan", "null", "n/a", "na", "none", "nil", "#n/a", "<na>", "\\n"))
#: From this many cells on such a word is no name (a gene is called "nan").
_OFTEN = 3
#: A comma between the parts of one name, or of one number, rather than between two names.
_BARE_COMMA = re.compile(r"(?<!\d),(?=[^\s\d])|,(?=[^\s\d])|(?<=[^\s\d]),(?=\d)")
#: A column of lists has this many parts in a cell with commas; "Anemia, Iron-Deficiency" has two.
_PARTS_OF_A_LIST = 3


@dataclass(frozen=True)
class Column:
    """How the cells of a column are written, as its first rows show it."""

    separator: str = "|"
    missing: frozenset[str] = frozenset()

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
        """
        counts = Counter(cell.lower() for cell in cells)
        missing = frozenset(word for word in _MISSING if counts[word])
        often = sum(counts[word] for word in missing) >= _OFTEN
        return cls(_separator(cells, of_ids), missing if often else frozenset())

    def split(self, cell: str) -> list[str]:
        """Return the values of a cell."""
        if self.is_missing(cell):
            return []
        parts = cell.split(self.separator) if self.separator in cell else [cell]
        return [part.strip() for part in parts if part.strip()]

    def is_missing(self, cell: str) -> bool:
        """Whether a cell contains no value."""
        return not cell or cell.lower() in self.missing


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
