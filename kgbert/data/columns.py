"""Which columns of a file are the text and the label."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kgbert.data.example import Span


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
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error.__cause__


#: The columns that say where head and tail stand, in characters, the end exclusive.
COLUMNS = ("head_start", "head_end", "tail_start", "tail_end")


def arguments_of(record: Mapping[str, Any]) -> tuple[Span, ...]:
    """Return head and tail of the relation that a record is about; nothing where it has none.

    >>> arguments_of({"head_start": "0", "head_end": "7", "tail_start": 15, "tail_end": 18})
    (Span(start=0, end=7, label='head', entity=''), Span(start=15, end=18, label='tail', entity=''))
    >>> arguments_of({"text": "no relation"})
    ()
    """
    given = {name: record[name] for name in COLUMNS if record.get(name) not in (None, "")}
    if not given:
        return ()
    if missing := [name for name in COLUMNS if name not in given]:
        raise ValueError(
            f"{', '.join(given)} without {', '.join(missing)}; a relation needs all four: where "
            "head and tail start and end, in characters"
        )
    head_start, head_end, tail_start, tail_end = (_number(name, given[name]) for name in COLUMNS)
    return Span(head_start, head_end, "head"), Span(tail_start, tail_end, "tail")


def _number(name: str, value: object) -> int:
    if not isinstance(value, bool) and str(value).strip().isdecimal():
        return int(str(value))
    raise ValueError(f"{name} is {value!r}; it must be a whole number that counts characters")


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
    settle: Callable[[Iterable[Span]], tuple[Span, ...]] = tuple
    """What to make of spans that may overlap, which an example refuses."""

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
