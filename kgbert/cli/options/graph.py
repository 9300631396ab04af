"""The arguments by which a command is told of a graph."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import fields
from typing import TYPE_CHECKING

from kgbert.cli.core.remedies import as_typed

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph


def add_graph_arguments(parser: ArgumentParser) -> None:
    """Add the graph's file, and how it is read."""
    parser.add_argument(
        "graph",
        metavar="GRAPH",
        help="file or folder of an ontology or knowledge graph: OBO, OWL, Turtle, SKOS, CSV ...",
    )
    add_reading_arguments(parser)


def add_reading_arguments(parser: ArgumentParser) -> None:
    """Add how a graph is read."""
    reading = parser.add_argument_group("how the graph is read")
    reading.add_argument(
        "--card",
        metavar="NAME",
        help="as suits a well-known graph, unless another option says otherwise; kgbert graphs "
        "lists them",
    )
    reading.add_argument(
        "--format",
        metavar="NAME",
        help="its format where it is not recognised, as in turtle or table",
    )
    reading.add_argument(
        "--label",
        default="",
        metavar="PROPERTY",
        help="property that holds names, besides the usual ones, as in dcterms:title",
    )
    for option, example, meaning in _LISTS:
        reading.add_argument(option, default=(), type=listed, metavar=example, help=meaning)
    reading.add_argument(
        "--root-radius",
        type=int,
        metavar="N",
        help="keep what is up to N edges from the roots, in any direction, instead",
    )
    reading.add_argument(
        "--mapping",
        default="",
        metavar="FILE",
        help="SSSOM table that says which entities of the merged graphs are the same",
    )
    reading.add_argument(
        "--no-domain-range-edges",
        action="store_true",
        help='make no edges of the domains and ranges of relations ("P leads from A to B")',
    )
    reading.add_argument(
        "--limit",
        action="append",
        default=[],
        type=_limited,
        metavar="NAME=N",
        help="raise a limit for files that you trust: bytes, in_memory, ratio, line or depth",
    )
    keeping = reading.add_mutually_exclusive_group()
    keeping.add_argument(
        "--cache", metavar="FOLDER", help="where graphs are kept until their files change"
    )
    keeping.add_argument(
        "--no-cache",
        action="store_true",
        help="read the files anew, and keep nothing of them",
    )
    reading.add_argument(
        "--name-from-id",
        action="store_true",
        help="make names of the ids, in a graph that has none at all",
    )


def graph_of(arguments: Namespace) -> "KnowledgeGraph":
    """Read the graph that the arguments name."""
    # Imported when it runs: --help need not wait for numpy and what stands on it.
    from kgbert.graph.core.options import Limits, ReadOptions
    from kgbert.graph.merge import EXACT
    from kgbert.graph.read import CACHE, read_graph
    from kgbert.utils.errors import GraphError

    options = ReadOptions(
        label=arguments.label,
        languages=arguments.languages,
        relations=arguments.relations,
        roots=arguments.roots,
        root_radius=arguments.root_radius,
        domain_range_edges=not arguments.no_domain_range_edges,
        columns=arguments.columns,
        header=arguments.header,
        match_on=arguments.match_on or (EXACT if arguments.merge else ()),
        mapping=arguments.mapping,
        name_from_id=arguments.name_from_id,
        limits=Limits(**dict(arguments.limit)),
    )
    try:
        return read_graph(
            [arguments.graph, *arguments.merge] if arguments.merge else arguments.graph,
            format=arguments.format,
            options=options,
            card=arguments.card,
            cache=None if arguments.no_cache else arguments.cache or CACHE,
        )
    except GraphError as error:
        raise GraphError(as_typed(str(error))) from error


def _limited(limit: str) -> tuple[str, int]:
    from kgbert.graph.core.options import Limits

    name, _, number = limit.partition("=")
    known = [field.name for field in fields(Limits)]
    if name not in known or not number.isdecimal():
        raise ArgumentTypeError(
            f"{limit!r} is not a limit and a whole number; type one of {', '.join(known)}, as in "
            f"ratio=1000"
        )
    return name, int(number)


def listed(names: str) -> tuple[str, ...]:
    """Return what was typed with commas between."""
    return tuple(name.strip() for name in names.split(","))


#: Options that take a list: what is typed, how it looks, and what it means.
_LISTS = (
    ("--languages", "EN,DE", "languages of the names to keep"),
    (
        "--relations",
        "A,B",
        "relations of the edges to keep, as in is_a,part_of; their sub-properties with them",
    ),
    ("--roots", "ID,ID", "keep these entities and what is below them, and nothing else"),
    ("--merge", "FILE,FILE", "further graphs: entities that are the same become one"),
    ("--match-on", "A,B", "what says that two are the same, as in skos:exactMatch,xref"),
    (
        "--columns",
        "A,B,C",
        "columns of a table with subject, predicate and object; or the columns of other roles, as "
        "in id=CODE,name=TITLE,synonyms=OTHERS, for one of several files as in nodes.csv:id=NR",
    ),
    ("--header", "A,B,C", "names of a table's columns, where the file does not say them"),
)
