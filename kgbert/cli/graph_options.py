"""The arguments by which a command is told of a graph."""

from argparse import ArgumentParser, Namespace

from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.options import ReadOptions
from kgbert.graph.read import read_graph


def add_graph_arguments(parser: ArgumentParser) -> None:
    """Add the graph's file and how it is read."""
    parser.add_argument(
        "graph",
        metavar="GRAPH",
        help="ontology or knowledge graph: OBO, OWL, Turtle, SKOS, CSV ...",
    )
    parser.add_argument("--format", metavar="NAME", help="its format, if its content misleads")
    parser.add_argument(
        "--label",
        default="",
        metavar="PROPERTY",
        help="property that holds the names, if it is an uncommon one, as in dcterms:title",
    )
    parser.add_argument(
        "--columns",
        default=(),
        type=_column_names,
        metavar="A,B,C",
        help="columns of a table that hold subject, predicate and object",
    )
    parser.add_argument(
        "--name-from-id", action="store_true", help="make names from ids where there is none at all"
    )


def graph_of(arguments: Namespace) -> KnowledgeGraph:
    """Read the graph that the arguments name."""
    options = ReadOptions(
        label=arguments.label, columns=arguments.columns, name_from_id=arguments.name_from_id
    )
    return read_graph(arguments.graph, format=arguments.format, options=options)


def _column_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))
