"""Read records in JSON or JSON Lines, which are rows of a table of entities or triples."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import (
    DEPRECATED,
    EQUIVALENT,
    RDF_TYPE,
    RELATION_ALIASES,
    REPLACED_BY,
    SUBCLASS,
    SYNONYM,
)
from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import has_a_value_a_line, read_values, texts_in
from kgbert.graph.readers.tables.columns import (
    ENTITY,
    TRIPLE,
    chosen_columns,
    custom_columns,
    is_of_entities,
    is_of_triples,
    positions_of,
)
from kgbert.utils.errors import GraphError

#: Role of a key -> the predicate of its texts.
_TEXTS = {
    "name": expand(RELATION_ALIASES["name"]),
    "synonyms": expand(SYNONYM),
    "definition": expand(RELATION_ALIASES["definition"]),
}
#: Role of a key -> the predicate of its ids.
_RESOURCES = {
    "parents": SUBCLASS,
    "classes": RDF_TYPE,
    "equivalents": EQUIVALENT,
    "replacement": REPLACED_BY[0],
}


def read_records(source: Source, statements: Statements) -> None:
    """Add the entities and triples of a file.

    Raises:
        GraphError: None of its values is one.
    """
    records = Records(statements, source.name)
    added = sum(map(records.add, read_values(source)))
    if not added:
        raise GraphError(
            f"{source.name}: JSON, but no value in it is an entity (an object with id and name) "
            f"or a triple (an object with head, relation and tail).",
            code="unknown-json",
        )
    records.note_unused(source.name)


def is_record(keys: list[str]) -> bool:
    """Whether an object with such keys is an entity or a triple."""
    return is_of_triples(keys) or is_of_entities(keys)


class Records:
    """Adds objects to statements, and counts what of them is not used."""

    def __init__(self, statements: Statements, name: str = "") -> None:
        """Start with the name of the file, for which the options may name keys."""
        self.statements, self.name = statements, name
        self.unused: Counter[str] = Counter()
        self._roles: dict[tuple[str, ...], tuple[dict[str, str], dict[str, str]]] = {}
        self.skipped = 0
        #: The entities of nodes whose id is another property, by the id of the node.
        self._entities: dict[str, str] = {}

    def add(self, value: Any) -> bool:
        """Add an entity or a triple; return whether it is one."""
        is_added = self._add(value)
        self.skipped += not is_added
        return is_added

    def _add(self, value: Any) -> bool:
        if isinstance(value, list):
            return self._add_triple(*value) if len(value) == 3 else False
        if not isinstance(value, dict):
            return False
        if isinstance(value.get("properties"), dict) or ("start" in value and "end" in value):
            return self._add_of_apoc(value)
        triple, entity = self.roles(value)
        if {"subject", "object"} <= triple.keys():
            parts = (value.get(triple.get(role, "")) for role in TRIPLE)
            return self._add_triple(*parts)
        if "id" in entity and {"name", "synonyms"} & entity.keys():
            self.add_entity(value, entity)
            return True
        return False

    def add_entity(self, record: Mapping[str, Any], roles: Mapping[str, str]) -> str:
        """Add an object as an entity, and return its id."""
        entity = expand(_first_text(record.get(roles.get("id", roles.get("name", "")))))
        if not entity:
            return ""
        self.statements.described.add(entity)
        for role, key in roles.items():
            if role in _TEXTS:
                self._add_texts(entity, role, key, record[key])
            elif role in _RESOURCES:
                predicate = expand(key) if self.statements.option_of(key) else _RESOURCES[role]
                for target, _ in texts_in(record[key]):
                    self.statements.add_resource(entity, predicate, expand(target))
            elif role == "obsolete" and str(record[key]).lower() in ("true", "1", "deprecated"):
                predicate = expand(key) if self.statements.option_of(key) else DEPRECATED[0]
                self.statements.add_literal(entity, predicate, "true")
        used = set(roles.values())
        self.unused.update(key for key in record if key not in used)
        return entity

    def _add_texts(self, entity: str, role: str, key: str, value: Any) -> None:
        predicate = expand(key) if self.statements.option_of(key) else _TEXTS[role]
        for text, language in texts_in(value):
            parts = text.split("|") if role == "synonyms" else [text]
            for part in parts:
                self.statements.add_literal(entity, predicate, part, language)

    def _add_triple(self, subject: Any, predicate: Any, target: Any) -> bool:
        head, tail = _first_text(subject), _first_text(target)
        word = _first_text(predicate) or "is_a"
        if not head or not tail:
            return False
        self.statements.ids_are_names = True
        head, relation = expand(head), expand(RELATION_ALIASES.get(word.lower(), word))
        if self.statements.is_text_predicate(relation):
            self.statements.add_literal(head, relation, tail)
        else:
            self.statements.described.update((head, expand(tail)))
            self.statements.add_resource(head, relation, expand(tail))
        return True

    def _add_of_apoc(self, value: dict[str, Any]) -> bool:
        """Add a node or a relationship as APOC exports them from Neo4j."""
        start, end = value.get("start"), value.get("end")
        if isinstance(start, dict) and isinstance(end, dict):
            head, tail = (self._entities.get(str(x.get("id")), x.get("id")) for x in (start, end))
            return self._add_triple(head, value.get("label"), tail)
        properties = value.get("properties")
        if "id" not in value or not isinstance(properties, dict):
            return False
        node = {**properties, "id": value["id"]}
        roles = self.roles(node)[1]
        entity = self.add_entity(node, roles)
        if roles.get("id") != "id":
            self._entities[str(value["id"])] = entity
        return True

    def roles(self, record: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the key of each role of a triple, and of an entity."""
        keys = tuple(record)
        if keys not in self._roles:
            self._roles[keys] = _roles(keys, self.name, self.statements)
        return self._roles[keys]

    def note_unused(self, name: str) -> None:
        """Note the keys and values that were not used."""
        if self.unused:
            keys = ", ".join(f"{key!r} ({count:,})" for key, count in self.unused.most_common(12))
            self.statements.builder.note(f"keys of {name} that are not used: {keys}")
        if self.skipped:
            self.statements.builder.note(
                f"{self.skipped:,} values of {name} skipped: neither an entity nor a triple"
            )


def _roles(
    keys: tuple[str, ...], name: str, statements: Statements
) -> tuple[dict[str, str], dict[str, str]]:
    chosen = chosen_columns(statements.options.columns, name, keys)
    chosen = {role: key for role, key in chosen.items() if key in keys}
    triple = positions_of(keys, TRIPLE, chosen)
    entity = positions_of(keys, ENTITY, chosen | custom_columns(keys, statements))
    return (
        {role: keys[positions[0]] for role, positions in triple.items()},
        {role: keys[positions[0]] for role, positions in entity.items()},
    )


def _first_text(value: Any) -> str:
    return next((text.strip() for text, _ in texts_in(value)), "")


def read_tree(source: Source, statements: Statements) -> None:
    """Add the entities of a tree, whose nodes have ``children``: other nodes, or their ids.

    Raises:
        GraphError: No node has a name.
    """
    records = Records(statements, source.name)
    statements.ids_are_names = True
    if has_a_value_a_line(source.head(), source.suffix):
        roots = list(read_values(source))
    else:
        content = safe_json(source)
        roots = content if isinstance(content, list) else [content]
    pending: list[tuple[Any, str]] = [(node, "") for node in roots]
    added = 0
    while pending:
        node, above = pending.pop()
        if isinstance(node, str) and node and above:
            statements.add_resource(expand(node), SUBCLASS, above)
        if not isinstance(node, dict):
            continue
        entity = records.add_entity(*_without_children(node, records))
        added += bool(entity)
        if entity and above:
            statements.add_resource(entity, SUBCLASS, above)
        pending += [(child, entity or above) for child in _children(node)]
    if not added:
        raise GraphError(
            f"{source.name}: JSON with 'children', of which none has a name.", code="unknown-json"
        )
    records.note_unused(source.name)


def _without_children(
    node: dict[str, Any], records: Records
) -> tuple[dict[str, Any], dict[str, str]]:
    record = {key: value for key, value in node.items() if key != "children"}
    return record, records.roles(record)[1]


def _children(node: dict[str, Any]) -> Iterator[Any]:
    children = node.get("children")
    yield from children if isinstance(children, list) else ()
