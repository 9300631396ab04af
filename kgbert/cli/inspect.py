"""kgbert inspect: size and health of a graph, and how much of some texts it reaches."""

import json
from argparse import ArgumentParser, Namespace

from kgbert.cli.command import Command
from kgbert.cli.graph_options import (
    add_graph_arguments,
    add_linker_argument,
    add_stop_arguments,
    graph_of,
    linker_of,
)
from kgbert.texts import read_texts


def inspect(arguments: Namespace) -> None:
    """Show the size of a graph, what may be wrong with it, and how much of texts it reaches."""
    from kgbert.linking.coverage import coverage

    texts: list[str] = []
    if arguments.texts:
        # Before the graph, which may take longer: a mistyped name is answered at once.
        examples = read_texts(
            arguments.texts, text_column=arguments.text_column, overlaps="longest"
        )
        texts = [example.text for example in examples]
    graph = graph_of(arguments)
    health = graph.health()
    found = coverage(texts, linker_of(arguments, graph), graph) if texts else None
    if arguments.json:
        both = json.loads(health.json()) | ({"coverage": found.as_dict()} if found else {})
        print(json.dumps(both, indent=2))
    else:
        print(health)
        if found:
            print(f"\n{arguments.texts}\n{found}")


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        "--texts", metavar="FILE", help="texts: how much of them do the graph's names reach?"
    )
    parser.add_argument(
        "--text-column", default="text", metavar="NAME", help="column or key of the text (text)"
    )
    add_linker_argument(parser)
    add_stop_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object")


INSPECT = Command(inspect, _add_arguments, example="kgbert inspect hp.obo --texts notes.csv")
