"""The argument that is a text, or a file of texts."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from kgbert.data import Example, read_texts
from kgbert.data.readers import READERS


def add_text_argument(parser: ArgumentParser) -> None:
    """Add the arguments for the text and its column."""
    parser.add_argument(
        "text", metavar="TEXT|FILE", help=f"a text, or a file of texts ({' '.join(READERS)})"
    )
    parser.add_argument(
        "--text-column",
        default="text",
        metavar="NAME",
        help="column or key of the text in the file (text)",
    )


def examples_of(arguments: Namespace) -> list[Example]:
    """Return the examples of a file, or one example if the argument is a text."""
    text: str = arguments.text
    named_like_one = len(text.split()) == 1 and text.removesuffix(".gz").endswith(tuple(READERS))
    if named_like_one or _is_file(text):
        return read_texts(text, columns=columns_of(arguments), overlaps="longest")
    if not text.strip():
        raise ValueError("the text is empty; write one between quotes, or the name of a file")
    return [Example(text)]


def columns_of(arguments: Namespace) -> dict[str, str]:
    """Return the column names of the source by standard name, for which the command has options."""
    named = {"text": "text_column", "label": "label_column"}
    given = vars(arguments)
    return {column: given[option] for column, option in named.items() if option in given}


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than a name can be, or with a NUL
        return False
