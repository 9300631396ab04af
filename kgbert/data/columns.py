"""Map the columns of a source to the standard columns: text, label and others."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from kgbert.utils.errors import DataError, KGBertError, Remedy

#: The standard columns of text, label and tokens; tokens or a question can replace the text.
TEXT, LABEL, TOKENS, TAGS, SPANS = "text", "label", "tokens", "tags", "spans"
QUESTION, TRIGGERS = "question", "triggers"


class Record(NamedTuple):
    """One row or object of a source."""

    place: str
    """The position for messages, for example ``line 3``."""
    values: Mapping[str, Any]
    """The values by column name."""


@contextmanager
def located(place: object) -> Iterator[None]:
    """Prefix the message of an error that is raised inside the context with a position.

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


@dataclass(frozen=True)
class Columns:
    """The user's names of the standard columns.

    >>> Columns({"text": "note"}).rename({"note": "a fever", "label": "ill"})
    {'text': 'a fever', 'label': 'ill'}
    """

    names: Mapping[str, str] = field(default_factory=dict)
    """Column names of the source by standard name; the default is the standard name itself."""
    label_required: bool = False

    def __getitem__(self, standard: str) -> str:
        return self.names.get(standard, standard)

    def rename(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a row under their standard names."""
        renamed = {
            standard: values[name] for standard, name in self.names.items() if name in values
        }
        named = {*self.names.values()}
        # If the user named another column, the column with the standard name is not used.
        others = {
            name: value
            for name, value in values.items()
            if name not in named and name not in self.names
        }
        return renamed | others

    def check_row(self, names: Iterable[str]) -> None:
        """Raise DataError if a row has no text, tokens or question, or lacks its label."""
        found = list(names)
        replacements = {self[TOKENS], self[QUESTION]} if self[TEXT] == TEXT else set()
        if self[TEXT] not in found and replacements.isdisjoint(found):
            raise self._missing(TEXT, found)
        # Spans and tags are labels, too.
        standard = self.rename(dict.fromkeys(found))
        if self.label_required and standard.keys().isdisjoint((LABEL, SPANS, TAGS, TOKENS)):
            raise self._missing(LABEL, found)

    def check_source(self, names: Iterable[str]) -> None:
        """Raise DataError for a column of the user that no row of a source has."""
        found = list(names)
        for standard, name in self.names.items():
            if name not in found and name != standard:
                raise self._missing(standard, found)

    def refuse(self, instead: str) -> None:
        """Raise DataError if the user named columns of a format without columns."""
        named = [name for standard, name in self.names.items() if name != standard]
        if named:
            raise DataError(
                f"this format has no columns, and so no {named[0]!r}: {instead}; name no columns",
                code="no-columns",
            )

    def _missing(self, standard: str, found: list[str]) -> DataError:
        # Never suggest the column of the text for the label.
        likely = [name for name in found if standard == TEXT or name != self[TEXT]]
        lowered = {name.strip().lower(): name for name in likely}
        close = get_close_matches(self[standard].lower(), lowered, n=1)
        guess = lowered[close[0]] if close else (likely[0] if likely else ...)
        return DataError(
            f"no column {self[standard]!r}; found {', '.join(map(repr, found)) or 'none'}.",
            code="missing-column",
            remedies=[
                Remedy("columns", {standard: guess}, f"if that column contains the {standard}")
            ],
        )
