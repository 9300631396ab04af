"""Which columns of a table play which role: by their names."""

from collections.abc import Iterator, Mapping, Sequence

from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError

#: The number of a line, and its cells.
Row = tuple[int, list[str]]
#: Role -> what columns that play it are called in the wild, in lower case.
Roles = Mapping[str, Sequence[str]]

#: Of triples and edges.
TRIPLE: Roles = {
    "subject": (
        *("subject", "head", "source", "child", "s", "h", "from", "subj", "start", ":start_id"),
        *("subject_id", "head_id", "source_id", "child_id", "from_id", "start_id"),
        *("node1", "entity1", "node_1", "entity_1", "head_entity", "from_node", "source_node"),
    ),
    "predicate": (
        *("predicate", "relation", "property", "edge", "type", "p", "r", "rel", ":type"),
        *("predicate_id", "relation_id", "relationship", "relation_type", "edge_type"),
        *("interaction", "label"),  # as in edges of graph editors; last, for it may be a note
    ),
    "object": (
        *("object", "tail", "target", "parent", "o", "t", "to", "obj", "end", ":end_id"),
        *("object_id", "tail_id", "target_id", "parent_id", "to_id", "end_id"),
        *("node2", "entity2", "node_2", "entity_2", "tail_entity", "to_node", "target_node"),
    ),
}
_THING = {
    "id": (
        *("id", "class id", "iri", "uri", "code", "identifier", "curie", "cui", ":id"),
        *("node_id", "entity_id", "concept_id", "term_id", "concept id", "term id"),
    ),
    "name": (
        *("name", "label", "preferred label", "preferred name", "title", "rdfs:label", "term"),
        *("preferred_label", "preferred_name", "node_name", "entity_name", "concept_name"),
    ),
    "replacement": ("supersededby", "replaced_by", "replaced by", "term replaced by"),
}
#: Of entities.
ENTITY: Roles = {
    **_THING,
    "synonyms": ("synonyms", "synonym", "aliases", "alias", "alternative names", "altlabel"),
    "definition": ("definition", "definitions", "description", "comment", "desc"),
    "parents": ("parents", "parent", "parent_id", "is_a", "subclassof", "subtypeof", "broader"),
    "classes": ("instance_of", "instance of", "rdf:type", "enumerationtype"),
    "equivalents": ("equivalent_to", "equivalent to", "equivalentclass"),
    "obsolete": ("obsolete", "is_obsolete", "deprecated"),
    "tree": ("tree", "tree numbers", "tree_numbers", "tree number"),
}
#: Of relations, which are known by what only they have.
RELATION: Roles = {
    **_THING,
    "general": ("subpropertyof", "sub_property_of", "subproperty of"),
    "domains": ("domain", "domains", "domainincludes"),
    "ranges": ("range", "ranges", "rangeincludes"),
}
EXPECTED = (
    "A table holds triples (subject, predicate, object), edges (subject, object), entities (id, "
    "name, and perhaps synonyms, definition, parents) or relations (id, name, domain, range); if "
    "its columns have other names, say which are which: options=ReadOptions(columns=('from', "
    "'how', 'to')), or, where the file has no header, ReadOptions(header=('id', 'name', "
    "'synonyms'))."
)


def places_of(names: Sequence[str], roles: Roles) -> dict[str, int]:
    """Return the place of the column that plays each role."""
    lowered = [name.lower().lstrip("#").strip() for name in names]
    found = {
        role: next((lowered.index(alias) for alias in aliases if alias in lowered), None)
        for role, aliases in roles.items()
    }
    return {role: place for role, place in found.items() if place is not None}


def is_of_triples(names: Sequence[str]) -> bool:
    """Whether a table with such columns holds triples or edges."""
    return {"subject", "object"} <= places_of(names, TRIPLE).keys()


def is_of_relations(names: Sequence[str]) -> bool:
    """Whether a table with such columns says which relations there are."""
    found = places_of(names, RELATION).keys()
    return {"id", "name"} <= found and ("general" in found or {"domains", "ranges"} <= found)


def is_of_entities(names: Sequence[str]) -> bool:
    """Whether a table with such columns says which entities, or relations, there are."""
    return {"id", "name"} <= places_of(names, ENTITY).keys()


def is_half_a_header(cells: Sequence[str]) -> bool:
    """Whether a row names columns, although not all that it takes: data begin otherwise.

    >>> is_half_a_header(["Name", "Parent"]), is_half_a_header(["heart", "part of", "body"])
    (True, False)
    """
    known = {
        alias for role in (TRIPLE, ENTITY, RELATION) for names in role.values() for alias in names
    }
    ends = {cells[0].lower().lstrip("#").strip(), cells[-1].lower().strip()}
    # A letter may be anything.
    return not known.isdisjoint(end for end in ends if len(end) > 1)


def cells_of(rows: Iterator[Row], places: Mapping[str, int], name: str) -> Iterator[list[str]]:
    """Yield the cells of each row that has as many as the columns ask for."""
    needed = max(places.values()) + 1
    for line, cells in rows:
        if len(cells) < needed:
            raise GraphError(
                f"{name}, line {line}: {len(cells)} cells, too few for {needed} columns "
                f"({', '.join(cells)[:60]}). Complete the row or remove it; a cell with the "
                f"separator in it needs double quotes."
            )
        yield cells


def tell(names: Sequence[str], places: Mapping[str, int], statements: Statements) -> None:
    """Note which columns are read as what, and which are not, unless their names tell."""
    if [name.lower() for name in names] == list(places):
        return
    read = ", ".join(f"{names[place]!r} as {role}" for role, place in places.items())
    others = [repr(name) for place, name in enumerate(names) if place not in places.values()]
    left_out = f"; not {', '.join(others)}" if others else ""
    statements.builder.note(f"columns read: {read}{left_out}")
