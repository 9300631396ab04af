"""Options for reading a graph, and limits for untrusted files."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Limits beyond which a file is rejected; raise one for files that you trust."""

    bytes: int = 16 << 30
    """Bytes after decompression."""
    in_memory: int = 2 << 30
    """Bytes of a file in a format that is read into memory: all but N-Triples, OBO and tables."""
    ratio: int = 250
    """Maximum decompression ratio of a file, beyond the first 16 MiB."""
    line: int = 16 << 20
    """Bytes of one line or one literal."""
    depth: int = 2_000
    """Nesting depth of XML elements; the limit of JSON is about 900."""
    seconds: int = 3_600
    """Seconds of a download from a database."""


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a graph; the defaults suit most ontologies.

    >>> ReadOptions(languages=("en",), relations=("is_a", "part_of")).languages
    ('en',)
    """

    label: str = ""
    """A property (IRI or CURIE) of preferred names, in addition to the well-known ones. Of this and
    the four below, a format without properties has tags, attributes, keys or columns."""
    synonym: str = ""
    """A property of synonyms, in addition to the well-known ones."""
    definition: str = ""
    """A property of definitions, instead of the well-known ones."""
    deprecation: str = ""
    """A property that marks an entity as obsolete with the value true or 1."""
    replacement: str = ""
    """A property from an obsolete entity to its replacement."""
    languages: tuple[str, ...] = ()
    """Keep names in these languages and names without a language; all by default."""
    relations: tuple[str, ...] = ()
    """Keep edges of these relations and their sub-properties (ids, names, or words such as "is_a");
    all by default."""
    roots: tuple[str, ...] = ()
    """Keep only these entities and their descendants."""
    root_radius: int | None = None
    """Keep instead the entities up to this number of edges from the roots, in any direction."""
    domain_range_edges: bool = True
    """Read "P has domain A and range B" as an edge P from A to B."""
    columns: tuple[str, ...] | Mapping[str, str] = ()
    """The roles of the columns of a table: ``{"id": "CODE", "name": "TITLE"}``, or
    ``("id=CODE", "name=TITLE")``; ``"nodes.csv:id=NR"`` applies to one of several files. The roles
    are subject, predicate, object; id, name, synonyms, definition, parents, classes, equivalents,
    obsolete, replacement, tree. Two or three names without roles are subject, (predicate and)
    object."""
    header: tuple[str, ...] = ()
    """Names of all columns of a table, for files without a header."""
    match_on: tuple[str, ...] = ()
    """Read several sources as separate graphs, and merge entities that one of these predicates
    ("skos:exactMatch", "xref" ...) declares equivalent; see ``merge_graphs``."""
    mapping: str = ""
    """Path of an SSSOM table of equivalent entities in several sources."""
    query: str = ""
    """A query for a database, or the path of a file with one: in SPARQL, for subject, predicate and
    object; in Cypher, for nodes and relationships in an order. The default selects everything."""
    name_from_id: bool = False
    """Create names from ids if no entity has a name."""
    limits: Limits = field(default_factory=Limits)
    """Limits beyond which a file is rejected."""
