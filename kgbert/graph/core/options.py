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
    """A predicate (IRI or CURIE) that holds preferred names besides the well-known ones."""
    languages: tuple[str, ...] = ()
    """Keep names in these languages, and those whose language is not said; all by default."""
    relations: tuple[str, ...] = ()
    """Keep edges of these relations and their sub-properties (ids, names, or words such as "is_a");
    all by default."""
    roots: tuple[str, ...] = ()
    """Keep what is below these entities only, these included."""
    root_radius: int | None = None
    """How many edges away from the roots, in any direction, entities are kept instead."""
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
    """Read several sources as graphs of their own, and merge them where one of these predicates
    ("skos:exactMatch", "xref" ...) says that entities are the same; see ``merge_graphs``."""
    mapping: str = ""
    """Path of an SSSOM table that says which entities of several sources are the same."""
    name_from_id: bool = False
    """Accept an ontology without a single label: all names are then made from the ids."""
    limits: Limits = field(default_factory=Limits)
    """What a file may cost before it is refused."""
