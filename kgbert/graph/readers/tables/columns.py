"""Find the roles of a table's columns, by their names or as the options name them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePath
from typing import NoReturn

from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.tables.rows import Row
from kgbert.utils.errors import GraphError, Remedy

#: Role -> names of columns that have it, in lower case.
Roles = Mapping[str, Sequence[str]]
#: Role -> the positions of its columns; only roles of several values have several.
Positions = Mapping[str, Sequence[int]]

#: Of triples and edges.
TRIPLE: Roles = {
    "subject": (
        *("subject", "head", "source", "child", "s", "h", "from", "subj", "start", ":start_id"),
        *("subject_id", "head_id", "source_id", "child_id", "from_id", "start_id", "_start"),
        *("node1", "entity1", "node_1", "entity_1", "head_entity", "from_node", "source_node"),
        *("concept_id_1", "occupationuri", "originalskilluri", "concepturi"),
    ),
    "predicate": (
        *("predicate", "relation", "property", "edge", "type", "p", "r", "rel", ":type", "_type"),
        *("predicate_id", "relation_id", "relationship", "relation_type", "edge_type"),
        *("relationship_id", "relationtype", "interaction"),
        "label",  # as in edges of graph editors; last, for it may be a note
    ),
    "object": (
        *("object", "tail", "target", "parent", "o", "t", "to", "obj", "end", ":end_id", "_end"),
        *("object_id", "tail_id", "target_id", "parent_id", "to_id", "end_id"),
        *("node2", "entity2", "node_2", "entity_2", "tail_entity", "to_node", "target_node"),
        *("concept_id_2", "skilluri", "relatedskilluri", "broaderuri"),
    ),
}
_THING = {
    "id": (
        *("id", "class id", "iri", "uri", "code", "identifier", "curie", "cui", ":id", "_id"),
        *("node_id", "entity_id", "concept_id", "term_id", "concept id", "term id"),
        *("concepturi", "loinc_num", "o*net-soc code", "geonameid"),
    ),
    "name": (
        *("name", "label", "preferred label", "preferred name", "title", "rdfs:label", "term"),
        *("preferred_label", "preferred_name", "node_name", "entity_name", "concept_name"),
        *("preferredlabel", "canonical_name", "long_common_name", "code_text", "preferredname"),
        *("preflabel", "pref_label", "skos:preflabel", "preferredterm", "preferred term"),
        "display",
    ),
    "replacement": ("supersededby", "replaced_by", "replaced by", "term replaced by"),
}
#: Of entities.
ENTITY: Roles = {
    **_THING,
    "name_status": ("name_status",),
    "synonyms": (
        *("synonyms", "synonym", "aliases", "alias", "alternative names", "altlabel", "altlabels"),
        *("hiddenlabels", "alternatenames", "alternate title", "short title", "shortname"),
        *("relatednames2", "concept_synonym_name", "x_mitre_aliases"),
    ),
    "definition": (
        *("definition", "definitions", "description", "definitiondescription", "comment", "desc"),
        "scopenote",
    ),
    "parents": (
        *("parents", "parent", "parent_id", "is_a", "subclassof", "subtypeof", "broader"),
        "immediate_parent",
    ),
    "classes": ("instance_of", "instance of", "rdf:type", "enumerationtype"),
    "equivalents": ("equivalent_to", "equivalent to", "equivalentclass"),
    "obsolete": ("obsolete", "is_obsolete", "deprecated", "invalid_reason", "status"),
    "tree": ("tree", "tree numbers", "tree_numbers", "tree number"),
}
#: Of edges, beside those of triples.
EDGE_STATUS: Roles = {"obsolete": ("invalid_reason", "obsolete", "is_obsolete", "deprecated")}
#: Of relations, which are known by what only they have.
RELATION: Roles = {
    **_THING,
    "general": ("subpropertyof", "sub_property_of", "subproperty of"),
    "domains": ("domain", "domains", "domainincludes"),
    "ranges": ("range", "ranges", "rangeincludes"),
}
#: Words of other languages that name columns, but of which none tells a role for certain.
_OTHER_LANGUAGES = frozenset(
    (
        *("kürzel", "kennung", "bezeichnung", "benennung", "begriff", "oberbegriff", "definition"),
        *("beschreibung", "synonyme", "kategorie", "gruppe", "libellé", "intitulé", "synonymes"),
        *("définition", "catégorie", "término", "definición", "descripción", "sinónimos"),
        *("categoría", "termine", "definizione", "descrizione", "sinonimi", "begrip"),
    )
)
#: Roles whose columns are all read where a table has several.
_SEVERAL = ("synonyms",)

_KNOWN = {
    alias for roles in (TRIPLE, ENTITY, RELATION) for names in roles.values() for alias in names
}
#: A column as Neo4j imports it: ``personId:ID(Person)``, ``name:string``, ``aliases:string[]``.
_NEO4J_ROLE = re.compile(r"[^:]*(:(?:id|start_id|end_id|type|label))(?:\(.*\))?")
_NEO4J_TYPE = re.compile(
    r"([^:]+):(?:int|long|float|double|boolean|byte|short|char|string|date|datetime|point)(?:\[\])?"
)


def column_key(name: str) -> str:
    """Return the name of a column as the roles know it.

    >>> [column_key(name) for name in ("#ID", "personId:ID(Person)", "aliases:string[]")]
    ['id', ':id', 'aliases']
    """
    key = name.lower().lstrip("#").strip()
    if key in _KNOWN:
        return key
    if match := _NEO4J_ROLE.fullmatch(key) or _NEO4J_TYPE.fullmatch(key):
        return match[1]
    return key


def positions_of(
    names: Sequence[str], roles: Roles, chosen: Mapping[str, str] | None = None
) -> dict[str, list[int]]:
    """Return the positions of the columns that have each role.

    Args:
        names: The names of the columns.
        roles: The roles that they may have.
        chosen: Column names that the options give for some roles.
    """
    keys = [column_key(name) for name in names]
    positions: dict[str, list[int]] = {}
    for role, aliases in roles.items():
        if chosen and role in chosen:
            positions[role] = [list(names).index(chosen[role])]
            continue
        known = [keys.index(alias) for alias in aliases if alias in keys]
        if known:
            positions[role] = known if role in _SEVERAL else known[:1]
    return positions


def is_of_triples(names: Sequence[str]) -> bool:
    """Whether a table with such columns contains triples or edges."""
    return {"subject", "object"} <= positions_of(names, TRIPLE).keys()


def is_of_relations(names: Sequence[str]) -> bool:
    """Whether a table with such columns describes relations."""
    roles = positions_of(names, RELATION).keys()
    return {"id", "name"} <= roles and ("general" in roles or {"domains", "ranges"} <= roles)


def is_of_entities(names: Sequence[str]) -> bool:
    """Whether a table with such columns describes entities, or relations."""
    roles = positions_of(names, ENTITY).keys()
    return "id" in roles and bool({"name", "synonyms"} & roles)


def is_glossary(roles: Collection[str]) -> bool:
    """Whether columns with such roles describe entities that have no id but their name."""
    described = {"synonyms", "definition", "parents", "tree"}
    return "name" in roles and "id" not in roles and not described.isdisjoint(roles)


def is_partial_header(cells: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> bool:
    """Whether a row names columns, although not all that are needed.

    The relations of triples may have such names too, where ids have digits and no header has.

    >>> is_partial_header(["Name", "Parent"]), is_partial_header(["heart", "part of", "body"])
    (True, False)
    >>> is_partial_header(["nr", "name", "kind"], [["1", "fever", "sign"]])
    True
    """
    first, *middle, last = [column_key(cell) for cell in cells] if len(cells) > 1 else ["", ""]
    ids = [row[0] for row in rows]
    is_above_ids = bool(ids) and all(map(_has_digit, ids)) and not _has_digit(first)
    # A letter may be anything.
    words = [key for key in (first, *middle, last) if len(key) > 1]
    if sum(word in _OTHER_LANGUAGES or word in _KNOWN for word in words) > 1:
        return True
    return any(
        key in _KNOWN for key in (first, last, *(middle if is_above_ids else ())) if len(key) > 1
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def chosen_columns(
    columns: Sequence[str] | Mapping[str, str], file_name: str, names: Sequence[str]
) -> dict[str, str]:
    """Return the columns that the options choose for the roles in a file.

    Args:
        columns: Names of the columns of subject, (predicate and) object; or ``role=column``, or
            ``file:role=column`` for one of several files; or the same as a mapping.
        file_name: The file, whose name (with ``*``) may stand before the role.
        names: The names of its columns.

    >>> chosen_columns(("id=CODE", "b.csv:name=B", "a.csv:name=A"), "a.csv", ["CODE", "A"])
    {'id': 'CODE', 'name': 'A'}

    Raises:
        GraphError: A role is unknown.
    """
    if isinstance(columns, Mapping):
        columns = tuple(f"{role}={column}" for role, column in columns.items())
    if not any("=" in column for column in columns):
        roles = tuple(TRIPLE) if len(columns) == 3 else ("subject", "object")
        return dict(zip(roles, columns, strict=False))
    chosen = {}
    for choice in columns:
        left, _, column = choice.partition("=")
        pattern, _, role = left.rpartition(":")
        if role not in _ROLES:
            raise GraphError(
                f"{choice!r}: {role!r} is not a role of a column; known: {', '.join(_ROLES)}.",
                code="unknown-column-role",
            )
        is_here = not pattern or fnmatch(PurePath(file_name).name, pattern)
        # What is chosen for no file in particular is for those that have such a column.
        if is_here and (pattern or column in names):
            chosen[role] = column
    return chosen


#: Option that names a property -> the role of a column that it names.
_ROLES_OF_OPTIONS = {
    "label": "name",
    "synonym": "synonyms",
    "definition": "definition",
    "deprecation": "obsolete",
    "replacement": "replacement",
}


def custom_columns(names: Sequence[str], statements: Statements) -> dict[str, str]:
    """Return the role -> column of those columns that the options name as properties."""
    return {
        _ROLES_OF_OPTIONS[option]: name for name in names if (option := statements.option_of(name))
    }


def refuse_columns(names: Sequence[str], name: str, missing: str) -> NoReturn:
    """Raise the error that states which columns a table needs."""
    texts = {"text", "sentence", "tokens"} & {name.lower() for name in names}
    hint = " These look like labelled texts, which are no graph." if texts else ""
    raise GraphError(
        f"{name}: no column {missing!r} among {', '.join(names[:12])[:300]}.{hint} A table has "
        f"triples (subject, predicate, object), edges (subject, object), entities (id, "
        f"name, and perhaps synonyms, definition, parents), relations (id, name, domain, range), "
        f"or levels of a hierarchy (level 1, level 2 ...).",
        code="unknown-columns",
        remedies=[
            Remedy(
                "columns",
                ("id=CODE", "name=TITLE", "synonyms=OTHERS"),
                "if it contains entities under other names",
                "ReadOptions",
            ),
            Remedy("columns", ("from", "how", "to"), "if it contains edges", "ReadOptions"),
            Remedy("header", ("id", "name", "synonyms"), "if it has no header", "ReadOptions"),
        ],
    )


def complete_rows(rows: Iterator[Row], positions: Positions, name: str) -> Iterator[list[str]]:
    """Yield the cells of each row.

    Raises:
        GraphError: A row has too few cells.
    """
    needed = max(position for several in positions.values() for position in several) + 1
    for line, cells in rows:
        if len(cells) < needed:
            raise GraphError(
                f"{name}, line {line}: {len(cells)} cells, too few for {needed} columns "
                f"({', '.join(cells)[:60]}). Complete the row or remove it; a cell with the "
                f"separator in it needs double quotes.",
                code="too-few-cells",
            )
        yield cells


def note_columns(names: Sequence[str], positions: Positions, statements: Statements) -> None:
    """Note how the columns are read and which are not, unless they are named like their roles."""
    if [name.lower() for name in names] == list(positions):
        return
    used = {position: role for role, several in positions.items() for position in several}
    read = ", ".join(f"{names[position]!r} as {role}" for position, role in used.items())
    others = [repr(name) for position, name in enumerate(names) if position not in used]
    unused = f"; not used: {', '.join(others)}" if others else ""
    statements.builder.note(f"columns read: {read}{unused}")


_ROLES = tuple(dict.fromkeys((*TRIPLE, *ENTITY, *RELATION)))
