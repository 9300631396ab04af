"""What a user may ask of a reader."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """How a graph is read; the defaults suit most ontologies.

    >>> ReadOptions(label="http://example.org/title").label
    'http://example.org/title'
    """

    label: str = ""
    """A predicate (IRI or CURIE) that holds preferred names besides the well-known ones."""
    columns: tuple[str, ...] = ()
    """Columns of a table that hold subject, predicate and object (or subject and object)."""
    name_from_id: bool = False
    """Accept an ontology without a single label: all names are then made from the ids."""
