"""Read code systems of FHIR, in JSON or XML."""

import io
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from kgbert.graph.core.identifiers import expand
from kgbert.graph.core.vocabulary import DEPRECATED, RELATION_ALIASES, SUBCLASS, SYNONYM
from kgbert.graph.files.safe_parsing import safe_json, safe_xml
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import literals_in, members
from kgbert.utils.errors import GraphError

_NAME, _DEFINITION = (expand(RELATION_ALIASES[word]) for word in ("name", "definition"))
#: Elements that may be repeated, which are lists in JSON.
_LISTS = ("concept", "designation", "property")
_RETIRED = ("deprecated", "retired", "inactive", "entered-in-error")


def read_fhir(source: Source, statements: Statements) -> None:
    """Add the concepts of a CodeSystem or of those in a Bundle; concepts may name their parents.

    Raises:
        GraphError: There are no concepts.
    """
    resource = _xml_object(source) if source.head().lstrip()[:1] == "<" else safe_json(source)
    entries = [entry for entry in members(resource, "entry") if isinstance(entry, dict)]
    systems: list[Any] = [resource, *(entry.get("resource") for entry in entries)]
    systems = [system for system in systems if any(True for _ in members(system, "concept"))]
    if not systems:
        raise GraphError(
            f"{source.name}: a FHIR CodeSystem without concepts. Its content is published apart; "
            f"name the file that has it.",
            code="empty-code-system",
        )
    for system in systems:
        _add_system(system, statements)


def _add_system(system: Mapping[str, Any], statements: Statements) -> None:
    relation = "part_of" if system.get("hierarchyMeaning") == "part-of" else SUBCLASS
    pending = [(concept, "") for concept in members(system, "concept")]
    builder = statements.builder
    builder.version = builder.version or str(system.get("version", ""))
    builder.licence = builder.licence or str(system.get("copyright", ""))
    while pending:
        concept, above = pending.pop()
        if not isinstance(concept, dict) or not isinstance(code := concept.get("code"), str):
            continue
        _add_concept(code, concept, relation, statements)
        if above:
            statements.add_resource(code, relation, above)
        pending += [(inner, code) for inner in members(concept, "concept")]


def _xml_object(source: Source) -> dict[str, Any]:
    """Return a resource in XML as the object that it is in JSON."""
    open_objects: list[dict[str, Any]] = [{}]
    try:
        # By events: concepts may nest more deeply than Python can call.
        for event, element in ElementTree.iterparse(io.BytesIO(safe_xml(source)), ("start", "end")):
            if event == "start":
                open_objects.append({})
            else:
                inner = open_objects.pop()
                _add_member(open_objects[-1], element.tag.rpartition("}")[2], element, inner)
                element.clear()
    except ElementTree.ParseError as error:
        raise GraphError(
            f"{source.name}: not valid XML ({error}). Correct the file there.", code="malformed-xml"
        ) from None
    (root,) = open_objects[0].values()
    return root if isinstance(root, dict) else {}


def _add_member(
    outer: dict[str, Any], key: str, element: ElementTree.Element, inner: dict[str, Any]
) -> None:
    if key in _LISTS:
        outer.setdefault(key, []).append(inner)
    elif (value := element.get("value")) is not None:
        outer[key] = value == "true" if key == "valueBoolean" else value
    else:
        outer[key] = inner


def _add_concept(
    code: str, concept: Mapping[str, Any], relation: str, statements: Statements
) -> None:
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
            _add_property(code, each, relation, statements)


def _add_property(
    code: str, each: Mapping[str, Any], relation: str, statements: Statements
) -> None:
    name, value = each.get("code"), _value_of(each)
    if name == "parent" and isinstance(value, str):
        statements.add_resource(code, relation, value)
    elif name == "child" and isinstance(value, str):
        statements.add_resource(value, relation, code)
    elif (name == "inactive" and value is True) or (name == "status" and value in _RETIRED):
        statements.add_literal(code, DEPRECATED[0], "true")
    elif isinstance(name, str) and name != "status":
        for text in literals_in(value):
            statements.add_literal(code, expand(name), text)


def _value_of(each: Mapping[str, Any]) -> Any:
    """Return the value of a property: of ``valueCode``, ``valueString``, ``valueBoolean`` ..."""
    return next((value for key, value in each.items() if key.startswith("value")), None)
