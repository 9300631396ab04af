"""kgbert inspect: size and health of a graph, and how much of some texts it reaches."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kgbert.cli.core.command import Command
from kgbert.cli.options.graph import add_graph_arguments, graph_of
from kgbert.cli.options.linker import add_linker_arguments, linker_of
from kgbert.cli.options.texts import columns_of
from kgbert.data import read_texts

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.analysis.coverage import Coverage


def inspect(arguments: Namespace) -> None:
    """Show the size of a graph, what may be wrong with it, and how much of texts it reaches."""
    texts = _texts_of(arguments)
    graph = graph_of(arguments)
    found = _coverage_of(texts, graph, arguments) if texts else None
    if arguments.html:
        # Imported here, like everything that reads the graph, so that --help does not load it.
        from kgbert.linking.analysis.graph_report import write_graph_report

        write_graph_report(graph, arguments.html, coverage=found)
    health = graph.health()
    if arguments.json:
        both = json.loads(health.json()) | ({"coverage": found.as_dict()} if found else {})
        print(json.dumps(both, indent=2))
        return
    print(health)
    if found:
        print(f"\n{arguments.texts}\n{found}")
    if arguments.html:
        print(f"\npage  {arguments.html}")


def _texts_of(arguments: Namespace) -> list[str]:
    # Read before the graph, which can take longer, so that a mistyped name fails at once.
    if not arguments.texts:
        return []
    examples = read_texts(arguments.texts, columns=columns_of(arguments), overlaps="longest")
    return [example.joined for example in examples]


def _coverage_of(texts: list[str], graph: "KnowledgeGraph", arguments: Namespace) -> "Coverage":
    from kgbert.linking.analysis.coverage import coverage

    return coverage(texts, linker_of(arguments, graph), graph)


def _add_arguments(parser: ArgumentParser) -> None:
    add_graph_arguments(parser)
    parser.add_argument(
        "--texts", metavar="FILE", help="texts whose coverage by the graph's names is measured"
    )
    parser.add_argument(
        "--text-column", default="text", metavar="NAME", help="column or key of the text (text)"
    )
    add_linker_arguments(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page with plots to this file"
    )


INSPECT = Command(inspect, _add_arguments, example="kgbert inspect hp.obo --texts notes.csv")
