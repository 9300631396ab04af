"""Options of reading a graph, and limits of untrusted files."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Limits beyond which a file is refused; raise one for files that you trust."""

    bytes: int = 16 << 30
    """Bytes after decompression."""
    in_memory: int = 2 << 30
    """Bytes of a file whose format is held in memory: all but N-Triples, OBO and tables."""
    ratio: int = 250
    """How many times its size a compressed file may grow, beyond the first 16 MiB."""
    line: int = 16 << 20
    """Bytes of one line or one literal."""
    depth: int = 2_000
    """Nesting of XML elements; JSON may nest some nine hundred deep."""


@dataclass(frozen=True)
class ReadOptions:
    """How a graph is read; the defaults suit most ontologies.

    >>> ReadOptions(languages=("en",), relations=("is_a", "part_of")).languages
    ('en',)
    """

    label: str = ""
    """A property (IRI or CURIE) that holds preferred names besides the well-known ones."""
    synonym: str = ""
    """A property that holds synonyms besides the well-known ones."""
    definition: str = ""
    """A property that holds definitions, in the place of the well-known ones."""
    deprecation: str = ""
    """A property that says, by the value true or 1, that an entity is obsolete."""
    replacement: str = ""
    """A property that says which entity stands for an obsolete one now."""
    languages: tuple[str, ...] = ()
    """Keep names in these languages and names without a language; all by default."""
    relations: tuple[str, ...] = ()
    """Keep edges of these relations and their sub-properties (ids, names, or words such as "is_a");
    all by default."""
    roots: tuple[str, ...] = ()
    """Keep what is below these entities only, these included."""
    root_radius: int | None = None
    """Keep what is up to so many edges from the roots, in any direction, instead."""
    domain_range_edges: bool = True
    """Read "P has domain A and range B" as an edge P from A to B."""
    columns: tuple[str, ...] | Mapping[str, str] = ()
    """Which columns of a table have which role: ``{"id": "CODE", "name": "TITLE"}``, or
    ``("id=CODE", "name=TITLE")``; ``"nodes.csv:id=NR"`` holds for one of several files. The roles
    are subject, predicate, object; id, name, synonyms, definition, parents, classes, equivalents,
    obsolete, replacement, tree. Two or three names alone are subject, (predicate and) object."""
    header: tuple[str, ...] = ()
    """Names of all columns of a table, for files without a header."""
    match_on: tuple[str, ...] = ()
    """Read several sources as separate graphs, and merge entities that one of these predicates
    ("skos:exactMatch", "xref" ...) declares equal; see ``merge_graphs``."""
    mapping: str = ""
    """Path of an SSSOM table of equal entities in several sources."""
    name_from_id: bool = False
    """Make names from the ids where not a single entity has a name."""
    limits: Limits = field(default_factory=Limits)
    """Limits beyond which a file is refused."""
