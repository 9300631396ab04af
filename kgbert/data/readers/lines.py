"""Read plain text, one text per line."""

from collections.abc import Iterator

from kgbert.data.columns import LABEL, TEXT, Columns, Record
from kgbert.utils.errors import DataError


def read_lines(content: str, columns: Columns) -> Iterator[Record]:
    r"""Yield one record for each line that is not blank.

    >>> list(read_lines("No fever.\n", Columns()))
    [Record(place='line 1', values={'text': 'No fever.'})]
    """
    columns.refuse("each line is a text")
    if columns.label_required:
        raise DataError(
            f"a .txt file has texts without labels; write a .csv with the header {TEXT},{LABEL}",
            code="no-labels",
        )
    # Not splitlines(), which also splits at characters inside texts (U+2028, U+0085).
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield Record(f"line {number:,}", {TEXT: line.strip()})
