"""kgbert graphs: well-known graphs, and how each is best read."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import fields
from textwrap import fill
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command

if TYPE_CHECKING:
    from kgbert.graph.cards import GraphCard

#: Line width of a card, and the column of the values.
_WIDTH, _COLUMN = 100, 14


def graphs(arguments: Namespace) -> None:
    """List the graphs that kgbert has a card of, or show one card."""
    # Imported here, so that --help does not load numpy.
    from kgbert.graph.cards import find_card, list_cards

    if arguments.card is None:
        for name, card in list_cards().items():
            print("\n".join(_summary(name, card)))
        print(
            "\nA card contains no data of its graph: get a copy from its owner, then type, as in\n"
            "  kgbert inspect hp.obo --card hpo\nkgbert graphs NAME shows where and which file."
        )
    else:
        print("\n".join(_page(arguments.card, find_card(arguments.card))))


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "card",
        nargs="?",
        metavar="NAME",
        help="a card to show; or your own, a TOML file as graphs/README.md describes",
    )


def _summary(name: str, card: "GraphCard") -> Iterator[str]:
    yield _line(name, f"{card.name}. {card.about}", indent="")
    yield _line("", f"{card.size}; {', '.join(card.formats)}; {card.licence}", indent="")


def _page(name: str, card: "GraphCard") -> Iterator[str]:
    sharing = "may contain the graph" if card.shareable else "is saved without the graph"
    yield fill(f"{card.name}: {card.about}", _WIDTH)
    yield _line("page", card.page)
    yield _line("licence", f"{card.licence} ({card.licence_page})")
    yield _line("", f"a model trained with it {sharing}")
    yield _line("file", card.files)
    yield _line("formats", ", ".join(card.formats))
    yield _line("size", card.size)
    for option, value in _options(card):
        yield _line("read with", f"{option} {value}")
    yield _line("type", f"kgbert inspect FILE --card {name}")
    yield _line("in Python", f'kgbert.read_graph("FILE", card="{name}")')


def _options(card: "GraphCard") -> Iterator[tuple[str, str]]:
    """Yield the options of a card that differ from the defaults."""
    from kgbert.graph.core.options import ReadOptions

    defaults = ReadOptions()
    for option in fields(ReadOptions):
        value = getattr(card.options, option.name)
        if value != getattr(defaults, option.name):
            words = value if isinstance(value, tuple) else (str(value),)
            yield option.name.replace("_", " "), ", ".join(words)


def _line(key: str, value: str, *, indent: str = "  ") -> str:
    # Keep a space after a key that is longer than its column.
    start = f"{indent}{key:<{_COLUMN - len(indent) - 1}} "
    return fill(
        value,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * _COLUMN,
        # A broken URL could not be copied.
        break_long_words=False,
        break_on_hyphens=False,
    )


GRAPHS = Command(graphs, _add_arguments, example="kgbert graphs hpo")
