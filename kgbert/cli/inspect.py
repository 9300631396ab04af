"""kgbert inspect: size and health of a graph."""

from argparse import ArgumentParser, Namespace

from kgbert.cli.command import Command
from kgbert.cli.graph_options import add_graph_arguments, graph_of


def inspect(arguments: Namespace) -> None:
    """Show the size of a graph and what may be wrong with it."""
    health = graph_of(arguments).health()
    print(health.json() if arguments.json else health)


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object")


INSPECT = Command(inspect, _add_arguments, example="kgbert inspect hp.obo")
