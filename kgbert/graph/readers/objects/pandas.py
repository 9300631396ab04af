"""Read pandas DataFrames of triples, edges, entities or relations, as table files are read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.rows import Row
from kgbert.graph.readers.tables.table import add_rows

if TYPE_CHECKING:
    import pandas


def is_frame(graph: object) -> bool:
    """Whether an object is a pandas DataFrame; pandas is not imported to find out."""
    kind = type(graph)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def read_frame(frame: "pandas.DataFrame", statements: Statements) -> None:
    """Add the rows of a DataFrame; a named index is a column like the others."""
    add_rows(_rows(frame), "pandas table", statements)


def _rows(frame: "pandas.DataFrame") -> Iterator[Row]:
    if any(frame.index.names):
        frame = frame.reset_index()
    # pandas numbers columns without names: the first row is no header then.
    if not all(isinstance(name, int) for name in frame.columns):
        yield 0, [str(name).strip() for name in frame.columns]
    cells = frame.astype(object).where(frame.notna(), "")
    for number, row in enumerate(cells.itertuples(index=False, name=None), start=1):
        yield number, [_to_text(cell) for cell in row]


def _to_text(cell: object) -> str:
    # One missing cell turns a column of integers into floats.
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
