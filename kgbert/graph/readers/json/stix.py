"""Read bundles of STIX 2, in which MITRE ATT&CK is published."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import (
    DEPRECATED,
    RELATION_ALIASES,
    REPLACED_BY,
    SUBCLASS,
    SYNONYM,
    XREF,
)
from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import literals_in, members, texts_in

_NAME, _DEFINITION = (expand(RELATION_ALIASES[word]) for word in ("name", "definition"))
#: Objects about the bundle, not of the domain.
_METADATA = (
    *("identity", "marking-definition", "x-mitre-collection", "x-mitre-matrix", "report", "note"),
    "extension-definition",
)
#: Keys that are read, and those about the object itself.
_READ_KEYS = frozenset(
    (
        *("id", "name", "aliases", "x_mitre_aliases", "description", "revoked"),
        *("x_mitre_deprecated", "external_references", "kill_chain_phases", "x_mitre_shortname"),
        *("type", "spec_version", "created", "modified", "x_mitre_version"),
    )
)
_RELATIONS = {"subtechnique-of": SUBCLASS, "revoked-by": REPLACED_BY[0]}


def read_stix(source: Source, statements: Statements) -> None:
    """Add the objects of a bundle, and the relationships between them."""
    objects = [each for each in members(safe_json(source), "objects") if isinstance(each, dict)]
    tactics = {
        str(each["x_mitre_shortname"]): str(each.get("id"))
        for each in objects
        if "x_mitre_shortname" in each
    }
    skipped: Counter[str] = Counter()
    for each in objects:
        kind = str(each.get("type"))
        if kind == "relationship":
            _add_relationship(each, statements)
        elif kind in _METADATA or not isinstance(each.get("name"), str):
            skipped[kind] += 1
        else:
            _add_object(each, tactics, statements)
    if skipped:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in skipped.most_common())
        statements.builder.note(f"STIX objects that are not read as entities: {kinds}")


def _add_object(
    each: Mapping[str, Any], tactics: Mapping[str, str], statements: Statements
) -> None:
    entity = str(each.get("id"))
    statements.described.add(entity)
    statements.add_literal(entity, _NAME, each["name"])
    for key in ("aliases", "x_mitre_aliases"):
        for alias, _ in texts_in(each.get(key)):
            statements.add_literal(entity, expand(SYNONYM), alias)
    if isinstance(description := each.get("description"), str):
        statements.add_literal(entity, _DEFINITION, description)
    if each.get("revoked") is True or each.get("x_mitre_deprecated") is True:
        statements.add_literal(entity, DEPRECATED[0], "true")
    for key, value in each.items():
        if key not in _READ_KEYS and not key.endswith(("_ref", "_refs")):
            for text in literals_in(value):
                statements.add_literal(entity, expand(key), text)
    _add_links(entity, each, tactics, statements)


def _add_links(
    entity: str, each: Mapping[str, Any], tactics: Mapping[str, str], statements: Statements
) -> None:
    """Add the ids of an object elsewhere, and the tactics that it serves."""
    for reference in members(each, "external_references"):
        if isinstance(reference, dict) and isinstance(id := reference.get("external_id"), str):
            statements.add_literal(entity, XREF, id)
    for phase in members(each, "kill_chain_phases"):
        tactic = tactics.get(str(phase.get("phase_name"))) if isinstance(phase, dict) else None
        if tactic:
            statements.add_resource(entity, "tactic", tactic)


def _add_relationship(each: Mapping[str, Any], statements: Statements) -> None:
    head, relation, tail = (
        each.get(key) for key in ("source_ref", "relationship_type", "target_ref")
    )
    if each.get("revoked") is True:
        statements.builder.drop_edges("a revoked relationship", 1, f"{head} {relation} {tail}")
    elif isinstance(head, str) and isinstance(relation, str) and isinstance(tail, str):
        statements.add_resource(head, _RELATIONS.get(relation, relation), tail)
