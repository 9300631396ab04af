"""The argument that is a text, or a file of texts."""

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from kgbert.data import Columns, Example, Record, read_records, read_texts
from kgbert.data.readers.registry import READERS
from kgbert.utils.errors import DataError


def add_text_argument(parser: ArgumentParser) -> None:
    """Add the arguments for the text and its column."""
    parser.add_argument(
        "text", metavar="TEXT|FILE", help=f"a text, or a file of texts ({' '.join(READERS)})"
    )
    add_column_arguments(parser, label=False)


def add_column_arguments(parser: ArgumentParser, *, label: bool = True) -> None:
    """Add the arguments for the columns of a file."""
    for name in ("text", "label") if label else ("text",):
        parser.add_argument(
            f"--{name}-column",
            default=name,
            metavar="NAME",
            help=f"column or key of the {name} in the file ({name})",
        )
    add_role_argument(parser)


def add_role_argument(parser: Any) -> None:
    """Add the argument for the columns of all other roles."""
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        type=column_role,
        metavar="ROLE=NAME",
        help="column or key of another role, such as id, question, choices, answers, target, "
        "labels, value, text_pair, spans, relations or events; may be repeated",
    )


def column_role(typed: str) -> tuple[str, str]:
    """Return a role and the name of its column.

    >>> column_role("choices=options")
    ('choices', 'options')
    """
    role, equals, name = typed.partition("=")
    if not role or not equals or not name:
        raise ArgumentTypeError(
            f"invalid column {typed!r}; expected a role and a name, for example choices=options"
        )
    return role, name


def examples_of(arguments: Namespace) -> list[Example]:
    """Return the examples of a file, or one example if the argument is a text."""
    text: str = arguments.text
    if _is_named_like_a_file(text) or _is_file(text):
        return read_texts(text, columns=columns_of(arguments), overlaps="longest")
    return [Example(_not_empty(text))]


def records_of(arguments: Namespace) -> list[Record]:
    """Return the rows of a file, or one row if the argument is a text or a JSON object."""
    text: str = arguments.text
    if _is_named_like_a_file(text) or _is_file(text):
        return read_records(text, Columns(columns_of(arguments)))
    if text.lstrip().startswith("{"):
        return [Record("the row", _json_object(text))]
    return [Record("the text", {"text": _not_empty(text)})]


def columns_of(arguments: Namespace) -> dict[str, str]:
    """Return the column names of the source by standard name, for which the command has options."""
    named = {"text": "text_column", "label": "label_column"}
    given = vars(arguments)
    columns = {column: given[option] for column, option in named.items() if option in given}
    return columns | dict(given.get("column", ()))


def _not_empty(text: str) -> str:
    if not text.strip():
        raise DataError(
            "the text is empty; write one between quotes, or the name of a file", code="empty-text"
        )
    return text


def _json_object(text: str) -> dict[str, Any]:
    """Return a row that is typed as a JSON object; other text in braces is the text of the row."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {"text": text}


def _is_named_like_a_file(text: str) -> bool:
    return len(text.split()) == 1 and text.removesuffix(".gz").endswith(tuple(READERS))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be, or with a NUL
        return False
