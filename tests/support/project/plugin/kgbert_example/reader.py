"""A reader of the format ``head -> tail``, one edge a line."""

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements


def read_arrows(source: Source, statements: Statements) -> None:
    """Add the edges of a file, whose entities are named by their ids."""
    for line in source.lines():
        if "->" in line:
            head, tail = (entity.strip() for entity in line.split("->"))
            for entity in (head, tail):
                statements.builder.add_name(entity, entity)
            statements.builder.add_edge(head, "points to", tail)
