"""Name unnamed entities by their ids, and reject a graph without names."""

from kgbert.graph.core.identifiers import compact_all, expand, name_from_iri, relation_name
from kgbert.graph.rdf.assemble import assemble
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.rdf.subset import check_languages, select
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError, Remedy


def finalize(statements: Statements, source: str) -> GraphBuilder:
    """Return a builder with the selected part of all statements, in which entities have names.

    Raises:
        GraphError: Nothing in the graph has a name, and the options do not allow that.
    """
    builder = assemble(statements)
    if has_only_ids := statements.ids_are_names and not builder.names:
        name_by_id(builder)
    _name_numbers(statements, builder)
    for file, lines in statements.name_lists.items():
        _add_list(file, lines, builder, ids_are_names=has_only_ids)
    check_languages(builder, statements.options.languages)
    for relation in [relation for relation, name in builder.relations.items() if not name]:
        builder.add_relation(relation, relation_name(relation))
    add_default_names(statements, builder, source)
    for option, what in _OPTION_TEXTS.items():
        if name := getattr(statements.options, option):
            count = builder.option_counts[option]
            builder.note(f"{counted(count, what)} under {name}, which was requested")
    select(builder, statements.options)
    return builder


def _name_numbers(statements: Statements, builder: GraphBuilder) -> None:
    """Name the entities with numbers, unless another file does."""
    named = builder.names.owners()
    for name, number in statements.entity_numbers.items():
        if number not in named:
            builder.add_name(number, name)


def _add_list(file: str, lines: list[str], builder: GraphBuilder, *, ids_are_names: bool) -> None:
    """Add the names of a list, unless most of them are the ids of entities or relations."""
    ids = compact_all(list(map(expand, lines)))
    relations = builder.relations.keys() - builder.entities.keys()
    if 2 * len(relations.intersection(ids)) >= len(ids):
        builder.note(f"{file} is read as a list of relations")
    elif not ids_are_names and 2 * len(builder.names.owners().intersection(ids)) >= len(ids):
        for entity in ids:
            builder.add_entity(entity)
        builder.note(f"{file} is read as a list of ids, which other files name")
    else:
        for line in lines:
            builder.add_name(line, line)
        builder.note(f"{file} is read as a list of names, one a line")


def add_default_names(statements: Statements, builder: GraphBuilder, source: str) -> None:
    """Name unnamed entities by their ids where these contain words; note how many.

    Raises:
        GraphError: Nothing in the graph has a name, and the options do not allow that.
    """
    unnamed = builder.entities.keys() - builder.names.owners()
    if len(unnamed) == len(builder.entities) and not statements.options.name_from_id:
        raise _nameless(statements, builder, source)
    made = 0
    for entity in unnamed:
        if name := name_from_iri(entity):
            builder.add_name(entity, name)
            made += 1
    if made:
        builder.note(f"{counted(made, 'entity')} without a label, named by the words of the id")
    if opaque := len(unnamed) - made:
        what = counted(opaque, "entity")
        builder.note(f"{what} with neither a label nor an id that contains words")


def name_by_id(builder: GraphBuilder) -> None:
    """Name entities by their ids unless these are IRIs or CURIEs, as in a table without labels."""
    for entity in builder.entities:
        if not any(mark in entity for mark in "/:#"):
            builder.add_name(entity, entity.replace("_", " "))


def _nameless(statements: Statements, builder: GraphBuilder, source: str) -> GraphError:
    if not builder.entities:
        return GraphError(
            f"{source}: no entity was found, so there is nothing to link texts to. If this is not "
            f"the file you meant, name another.",
            code="no-entity",
            remedies=[Remedy("format", "turtle", "if the format was not recognised")],
        )
    labels = filter(None, ("rdfs:label", "skos:prefLabel", statements.options.label))
    properties = "" if statements.has_tables else f" ({', '.join(labels)})"
    message = (
        f"{source}: {counted(len(builder.entities), 'entity')} without any name{properties}, so "
        f"that no text can be linked to the graph (the first: {min(builder.entities)})."
    )
    by_id = Remedy("name_from_id", True, "to make them from the ids", "ReadOptions")
    if not statements.has_tables:
        other = "if the names have another property"
        remedies = [Remedy("label", "dcterms:title", other, "ReadOptions"), by_id]
        return GraphError(message, code="no-names", remedies=remedies)
    columns = ("id=CODE", "name=TITLE")
    return GraphError(
        f"{message} A table needs a column with the names, for example id,name,synonyms; edges "
        "between ids need such a table in another file of the same folder.",
        code="no-names",
        remedies=[Remedy("columns", columns, "if another column has them", "ReadOptions"), by_id],
    )


#: Option that names a property -> what each of its texts is.
_OPTION_TEXTS = {
    "label": "name",
    "synonym": "synonym",
    "definition": "definition",
    "deprecation": "obsolete entity",
    "replacement": "replacement",
}
