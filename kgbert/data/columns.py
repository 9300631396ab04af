"""Which columns of a file are the text and the label."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kgbert.utils.errors import KGBertError


@contextmanager
def located(place: object) -> Iterator[None]:
    """Put the place in front of a ValueError raised inside.

    >>> with located("line 3"):
    ...     raise ValueError("no text")
    Traceback (most recent call last):
    ValueError: line 3: no text
    """
    try:
        yield
    except KGBertError as error:
        raise error.at(place) from error.__cause__
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error.__cause__


#: The columns of text and label where the user names none; that of the label may be absent.
TEXT, LABEL = "text", "label"


@dataclass(frozen=True)
class Columns:
    """What the user said about the columns (or keys) of a file.

    >>> Columns().check(["Text", "label"])
    Traceback (most recent call last):
    ValueError: no column 'text'; there are 'Text', 'label'. If the text is in 'Text', ...
    """

    text: str = TEXT
    label: str = LABEL
    label_required: bool = False

    def rename(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record with the named columns called text and label."""
        names = {self.text: TEXT, self.label: LABEL}
        renamed = {names.get(name, name): value for name, value in record.items()}
        # A column of another meaning does not become the text or the label by its name alone.
        for standard, named in ((TEXT, self.text), (LABEL, self.label)):
            if named in record:
                renamed[standard] = record[named]
            elif named != standard:
                renamed.pop(standard, None)
        return renamed

    def check(self, found: Sequence[str], *, may_lack_label: bool = False) -> None:
        """Raise ValueError for a column that is needed and not among those found."""
        needed = [("text", self.text)]
        if self.label_required and not may_lack_label:
            needed.append(("label", self.label))
        for kind, column in needed:
            if column not in found:
                raise ValueError(self._missing(kind, column, found))

    def check_named(self, found: Iterable[str]) -> None:
        """Raise ValueError for a label column that the user named and nobody found.

        >>> Columns(label="kinds").check_named(["text", "kind"])
        Traceback (most recent call last):
        ValueError: no column 'kinds'; there are 'text', 'kind'. If the label is in 'kind', ...
        """
        names = list(found)
        if self.label not in (LABEL, *names):
            raise ValueError(self._missing("label", self.label, names))

    def check_unnamed(self, instead: str) -> None:
        """Raise ValueError for columns that the user named where a format has none.

        >>> Columns(text="note").check_unnamed("a line is a text")
        Traceback (most recent call last):
        ValueError: there are no columns here, and so no 'note': a line is a text; leave out ...
        """
        for kind, named, usual in (("text", self.text, TEXT), ("label", self.label, LABEL)):
            if named != usual:
                raise ValueError(
                    f"there are no columns here, and so no {named!r}: {instead}; leave out "
                    f"--{kind}-column (in Python: {kind}_column)"
                )

    def check_label(self, label: str) -> None:
        """Raise ValueError for an empty label where one is needed."""
        if self.label_required and not label:
            raise ValueError(
                f"{self.label!r} is empty; every text needs a label here: "
                "fill it in, or leave the text out"
            )

    def _missing(self, kind: str, column: str, found: Sequence[str]) -> str:
        # The column of the text is not that of the label, whatever it is called.
        likely = [name for name in found if kind == "text" or name != self.text]
        lowered = {name.strip().lower(): name for name in likely}
        close = get_close_matches(column.lower(), lowered, n=1)
        guess = lowered[close[0]] if close else (likely[0] if likely else "NAME")
        return (
            f"no column {column!r}; there are {', '.join(map(repr, found)) or 'none'}. "
            f"If the {kind} is in {guess!r}, type --{kind}-column {guess!r} "
            f"(in Python: {kind}_column={guess!r})"
        )
