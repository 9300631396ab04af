"""Read code systems of FHIR."""

from collections.abc import Mapping
from typing import Any

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import DEPRECATED, RELATION_ALIASES, SUBCLASS, SYNONYM
from kgbert.graph.files.safe_parsing import safe_json
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import members
from kgbert.utils.errors import GraphError

_NAME, _DEFINITION = (expand(RELATION_ALIASES[word]) for word in ("name", "definition"))
_RETIRED = ("deprecated", "retired", "inactive", "entered-in-error")


def read_fhir(source: Source, statements: Statements) -> None:
    """Add the concepts of a CodeSystem, which may nest or name their parents.

    Raises:
        GraphError: It has no concepts.
    """
    system = safe_json(source)
    pending = [(concept, "") for concept in members(system, "concept")]
    if not pending:
        raise GraphError(
            f"{source.name}: a FHIR CodeSystem without concepts. Its content is published apart; "
            f"name the file that has it.",
            code="empty-code-system",
        )
    builder = statements.builder
    builder.version = builder.version or str(system.get("version", ""))
    builder.licence = builder.licence or str(system.get("copyright", ""))
    while pending:
        concept, above = pending.pop()
        if not isinstance(concept, dict) or not isinstance(code := concept.get("code"), str):
            continue
        _add_concept(code, concept, statements)
        if above:
            statements.add_resource(code, SUBCLASS, above)
        pending += [(inner, code) for inner in members(concept, "concept")]


def _add_concept(code: str, concept: Mapping[str, Any], statements: Statements) -> None:
    statements.described.add(code)
    for key, predicate in (("display", _NAME), ("definition", _DEFINITION)):
        if isinstance(text := concept.get(key), str):
            statements.add_literal(code, predicate, text)
    for designation in members(concept, "designation"):
        if isinstance(designation, dict) and isinstance(text := designation.get("value"), str):
            language = designation.get("language")
            own = language if isinstance(language, str) else ""
            statements.add_literal(code, expand(SYNONYM), text, own)
    for each in members(concept, "property"):
        if isinstance(each, dict):
            _add_property(code, each, statements)


def _add_property(code: str, each: Mapping[str, Any], statements: Statements) -> None:
    name, value = each.get("code"), each.get("valueCode", each.get("valueBoolean"))
    if name == "parent" and isinstance(value, str):
        statements.add_resource(code, SUBCLASS, value)
    elif name == "child" and isinstance(value, str):
        statements.add_resource(value, SUBCLASS, code)
    elif (name == "inactive" and value is True) or (name == "status" and value in _RETIRED):
        statements.add_literal(code, DEPRECATED[0], "true")
