"""Read Wikidata's own JSON: its dumps, one entity a line, and the pages of single entities."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kgbert.graph.core.identifiers import PREFIXES
from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import read_values, texts_in
from kgbert.reporting.formatting import counted

_ENTITY, _RELATION = "http://www.wikidata.org/entity/", "http://www.wikidata.org/prop/direct/"
_TEXTS = {
    "labels": PREFIXES["rdfs"] + "label",
    "aliases": PREFIXES["skos"] + "altLabel",
    "descriptions": PREFIXES["schema"] + "description",
}
#: What is not used -> why.
_UNUSED = {
    "value": "without an id",
    "claim": "with the rank 'deprecated', or with another value than an item or a text",
}


def read_wikidata(source: Source, statements: Statements) -> None:
    """Add items and properties, with the names, descriptions and claims between items."""
    unused: Counter[str] = Counter()
    for entity in _entities(source):
        if not isinstance(entity, dict) or not isinstance(id := entity.get("id"), str):
            unused["value"] += 1
        elif entity.get("type") == "property":
            _add_property(id, entity, statements)
        else:
            _add_item(id, entity, statements, unused)
    for what, count in unused.items():
        statements.builder.note(f"not used: {counted(count, what)} {_UNUSED[what]}")


def _entities(source: Source) -> Iterator[Any]:
    if '"entities"' not in source.head(1 << 10):
        yield from read_values(source)
        return
    content = safe_json(source)
    entities = content.get("entities") if isinstance(content, dict) else None
    yield from entities.values() if isinstance(entities, dict) else ()


def _add_property(id: str, entity: Mapping[str, Any], statements: Statements) -> None:
    names = {language: text for text, language in _texts(entity.get("labels"))}
    if name := names.get("en", next(iter(names.values()), "")):
        statements.builder.add_relation(_RELATION + id, name)


def _add_item(
    id: str, entity: Mapping[str, Any], statements: Statements, unused: Counter[str]
) -> None:
    iri = _ENTITY + id
    statements.described.add(iri)
    for key, predicate in _TEXTS.items():
        for text, language in _texts(entity.get(key)):
            statements.add_literal(iri, predicate, text, language)
    for relation, claim in _claims(entity.get("claims")):
        # An option may name a property by its bare number.
        predicate = relation if statements.option_of(relation) else _RELATION + relation
        value = _value(claim)
        text, language = _text(value)
        if target := _target(value):
            statements.add_resource(iri, predicate, _ENTITY + target)
        elif text:
            statements.add_literal(iri, predicate, text, language)
        else:
            unused["claim"] += 1


def _claims(claims: Any) -> Iterator[tuple[str, Any]]:
    """Yield the claims of an item, each with its property."""
    for relation, several in claims.items() if isinstance(claims, dict) else ():
        for claim in several if isinstance(several, list) else ():
            yield relation, claim


def _text(value: Any) -> tuple[str, str]:
    """Return the text of a value and its language, or two empty strings if it has none."""
    if isinstance(value, dict) and isinstance(text := value.get("text"), str):
        return text, str(value.get("language") or "")
    return (value, "") if isinstance(value, str) else ("", "")


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield texts and their languages: of ``{"en": {"language": "en", "value": "fever"}}``."""
    for inner in value.values() if isinstance(value, dict) else ():
        yield from texts_in(inner)


def _value(claim: Any) -> Any:
    """Return the value of a claim, or None if there is none or the claim is deprecated."""
    if not isinstance(claim, dict) or claim.get("rank") == "deprecated":
        return None
    value: Any = claim
    for key in ("mainsnak", "datavalue", "value"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _target(value: Any) -> str:
    """Return the item that the value of a claim is, if it is one."""
    id = value.get("id") if isinstance(value, dict) else None
    return id if isinstance(id, str) and id[:1] == "Q" else ""
