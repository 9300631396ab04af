"""Command-line arguments for a graph and for reading it."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import fields
from typing import TYPE_CHECKING

from kgbert.cli.core.argument_types import comma_separated
from kgbert.cli.core.progress import ProgressReporter
from kgbert.utils.paths import GRAPH_CACHE

if TYPE_CHECKING:
    from kgbert.graph.core.graph import KnowledgeGraph


def add_graph_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for the graph's file and for reading it."""
    parser.add_argument(
        "graph",
        metavar="GRAPH",
        help="file or folder of an ontology or knowledge graph: OBO, OWL, Turtle, SKOS, CSV ...; "
        "or the address of a database, sparql:https://... or neo4j+s://...",
    )
    add_reading_arguments(parser)


def add_reading_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for reading a graph."""
    reading = parser.add_argument_group("how the graph is read")
    reading.add_argument(
        "--card",
        metavar="NAME",
        help="read a well-known graph with the options of its card, which other options override; "
        "kgbert graphs lists the cards",
    )
    reading.add_argument(
        "--format",
        metavar="NAME",
        help="format of the graph, for example turtle or table, if it is not recognised",
    )
    reading.add_argument(
        "--label",
        default="",
        metavar="PROPERTY",
        help="property of the names, for example dcterms:title, in addition to the standard ones",
    )
    for option, description in _PROPERTIES:
        reading.add_argument(option, default="", metavar="PROPERTY", help=description)
    for option, example, description in _LISTS:
        reading.add_argument(
            option, default=(), type=comma_separated, metavar=example, help=description
        )
    reading.add_argument(
        "--root-radius",
        type=int,
        metavar="N",
        help="keep entities up to N edges away from the roots, in any direction, instead of those "
        "below them",
    )
    reading.add_argument(
        "--query",
        default="",
        metavar="FILE",
        help="query for a database: SPARQL that selects subject, predicate and object, or Cypher "
        "that returns nodes and relationships in an order (everything)",
    )
    reading.add_argument(
        "--mapping",
        default="",
        metavar="FILE",
        help="SSSOM table of the entities of the merged graphs that are the same",
    )
    reading.add_argument(
        "--no-domain-range-edges",
        action="store_true",
        help="create no edges from the domain of a relation to its range",
    )
    reading.add_argument(
        "--limit",
        action="append",
        default=[],
        type=_limit,
        metavar="NAME=N",
        help="raise a limit for sources that you trust: bytes, in_memory, ratio, line, depth or "
        "seconds (of a download); repeatable",
    )
    keeping = reading.add_mutually_exclusive_group()
    keeping.add_argument("--cache", metavar="FOLDER", help="folder in which read graphs are cached")
    keeping.add_argument(
        "--no-cache",
        action="store_true",
        help="read the files, and cache nothing",
    )
    reading.add_argument(
        "--name-from-id",
        action="store_true",
        help="derive names from the ids, in a graph without any name",
    )


def graph_of(arguments: Namespace) -> "KnowledgeGraph":
    """Return the graph that the arguments describe."""
    # Imported here, so that --help does not load numpy.
    from kgbert.graph.core.options import Limits, ReadOptions
    from kgbert.graph.merge import EXACT
    from kgbert.graph.read import read_graph

    options = ReadOptions(
        label=arguments.label,
        synonym=arguments.synonym,
        definition=arguments.definition,
        deprecation=arguments.deprecation,
        replacement=arguments.replacement,
        languages=arguments.languages,
        relations=arguments.relations,
        roots=arguments.roots,
        root_radius=arguments.root_radius,
        domain_range_edges=not arguments.no_domain_range_edges,
        columns=arguments.columns,
        header=arguments.header,
        match_on=arguments.match_on or (EXACT if arguments.merge else ()),
        mapping=arguments.mapping,
        query=arguments.query,
        name_from_id=arguments.name_from_id,
        limits=Limits(**dict(arguments.limit)),
    )
    with ProgressReporter(quiet=arguments.quiet).elapsed(f"reading {arguments.graph}"):
        return read_graph(
            [arguments.graph, *arguments.merge] if arguments.merge else arguments.graph,
            format=arguments.format,
            options=options,
            card=arguments.card,
            cache=None if arguments.no_cache else arguments.cache or GRAPH_CACHE,
        )


def _limit(typed: str) -> tuple[str, int]:
    from kgbert.graph.core.options import Limits

    name, _, number = typed.partition("=")
    known = [field.name for field in fields(Limits)]
    if name not in known or not number.isdecimal():
        raise ArgumentTypeError(
            f"invalid limit {typed!r}; expected one of {', '.join(known)} and a whole number, for "
            "example ratio=1000"
        )
    return name, int(number)


#: Options whose value is a property, with their help texts.
_PROPERTIES = (
    ("--synonym", "property of the synonyms, in addition to the standard ones"),
    ("--definition", "property of the definitions, which goes before the standard ones"),
    ("--deprecation", "property whose value true marks an entity as obsolete"),
    ("--replacement", "property that names the entity in the place of an obsolete one"),
)
#: Options whose value is a list, with an example value and their help texts.
_LISTS = (
    ("--languages", "EN,DE", "languages of the names to keep"),
    (
        "--relations",
        "A,B",
        "relations of the edges to keep with their sub-properties, for example is_a,part_of",
    ),
    ("--roots", "ID,ID", "keep only these entities and those below them"),
    ("--merge", "FILE,FILE", "further graphs to merge: entities that are the same become one"),
    ("--match-on", "A,B", "properties of equal entities, for example skos:exactMatch,xref"),
    (
        "--columns",
        "A,B,C",
        "columns of a table with subject, predicate and object; or the columns of other roles, for "
        "example id=CODE,name=TITLE,synonyms=OTHERS; nodes.csv:id=NR is for one of several files",
    ),
    ("--header", "A,B,C", "names of the columns of a table without a header"),
)
