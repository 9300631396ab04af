"""Read dictionaries of names: one line per entity, ``id|other id||name|synonym|synonym``."""

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError, Remedy


def read_dictionary(source: Source, statements: Statements) -> None:
    """Add the names of a dictionary, as BioSyn and the MEDIC vocabulary write it.

    Raises:
        GraphError: A line has no ``||`` between ids and names.
    """
    builder = statements.builder
    for number, line in enumerate(source.lines(), start=1):
        if not line.strip():
            continue
        ids, bars, names = line.strip().partition("||")
        entity, *alternatives = (part.strip() for part in ids.split("|"))
        if not bars or not entity:
            raise GraphError(
                f"{source.name}, line {number}: {line.strip()[:60]!r} is not 'id||name|synonym'. "
                f"Correct the line.",
                code="malformed-dictionary",
                remedies=[Remedy("format", "table", "if the file is a table")],
            )
        builder.add_entity(entity)
        builder.replaced.update((other, entity) for other in alternatives if other)
        for position, name in enumerate(names.split("|")):
            builder.add_name(entity, name, "exact" if position else "preferred")
