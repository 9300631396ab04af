"""Read HexTuples: a statement a line, as a JSON list of six strings."""

import json
from typing import Any

from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError

#: What stands in the place of the datatype where the value is an IRI, or a blank node.
_IRI, _BLANK = "globalId", "localId"


def read_hextuples(source: Source, statements: Statements) -> None:
    """Add the statements of a file; which of its graphs each belongs to does not matter."""
    for number, line in enumerate(source.lines(), start=1):
        if line.strip():
            _add(*_parsed(line, number, source), statements)


def _add(
    subject: str, predicate: str, value: str, datatype: str, language: str, statements: Statements
) -> None:
    if datatype in (_IRI, _BLANK):
        statements.add_resource(subject, predicate, value)
    else:
        statements.add_literal(subject, predicate, value, language)
        if not language:
            statements.check_type(value, datatype)


def _parsed(line: str, number: int, source: Source) -> tuple[str, str, str, str, str]:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _malformed(line, f"is no JSON ({error})", number, source) from None
    is_list = isinstance(said, list) and len(said) >= 4
    if not is_list or not all(isinstance(part, str) for part in said[:4]):
        raise _malformed(line, "is no list of six strings", number, source)
    language = said[4] if len(said) > 4 else ""
    return said[0], said[1], said[2], said[3], language if isinstance(language, str) else ""


def _malformed(line: str, problem: str, number: int, source: Source) -> GraphError:
    return GraphError(
        f"{source.name}, line {number}: {line.strip()[:60]!r} {problem}, so it is no HexTuple. "
        f"Mend the line: [subject, predicate, value, datatype (or globalId), language, graph]."
    )
