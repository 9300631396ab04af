"""Read HexTuples: one statement per line, as a JSON list of six strings."""

import json
from typing import Any

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.readers.json.values import LONE_SURROGATE
from kgbert.utils.errors import GraphError

#: The value in place of the datatype if the value is an IRI or a blank node.
_IRI, _BLANK = "globalId", "localId"


def read_hextuples(source: Source, statements: Statements) -> None:
    """Add the statements of a file; its named graphs are read as their union."""
    for number, line in enumerate(source.lines(), start=1):
        if line.strip():
            _add(*_parse(line, number, source), statements)


def _add(
    subject: str, predicate: str, value: str, datatype: str, language: str, statements: Statements
) -> None:
    if datatype in (_IRI, _BLANK):
        statements.add_resource(subject, predicate, value)
    else:
        statements.add_literal(subject, predicate, value, language)
        if not language:
            statements.check_datatype(value, datatype)


def _parse(line: str, number: int, source: Source) -> tuple[str, str, str, str, str]:
    try:
        parts: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _malformed(line, f"is not JSON ({error})", number, source) from None
    is_list = isinstance(parts, list) and len(parts) >= 4
    if not is_list or not all(isinstance(part, str) for part in parts[:4]):
        raise _malformed(line, "is not a list of six strings", number, source)
    if "\\u" in line and LONE_SURROGATE.search("".join(parts[:4])):
        raise _malformed(line, "has half a character (a lone surrogate)", number, source)
    language = parts[4] if len(parts) > 4 else ""
    return parts[0], parts[1], parts[2], parts[3], language if isinstance(language, str) else ""


def _malformed(line: str, problem: str, number: int, source: Source) -> GraphError:
    return GraphError(
        f"{source.name}, line {number}: {line.strip()[:60]!r} {problem}, so it is not a HexTuple. "
        f"Correct the line: [subject, predicate, value, datatype (or globalId), language, graph].",
        code="malformed-hextuple",
    )
