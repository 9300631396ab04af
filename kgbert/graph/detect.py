"""Find the format of a file by its content; the suffix only decides between alike formats."""

import re
from collections.abc import Callable

from kgbert.graph.graph import GraphError
from kgbert.graph.source import Source

_TERM = r"(?:<[^<>\s]*>|_:\S+)"
_NTRIPLE = re.compile(rf"\s*{_TERM}\s+<[^<>\s]*>\s+(?:{_TERM}|\".*\S)\s*\.\s*(?:#.*)?$")
_NQUAD = re.compile(rf"\s*{_TERM}\s+<[^<>\s]*>\s+(?:{_TERM}|\".*\"\S*)\s+{_TERM}\s*\.\s*(?:#.*)?$")
_TURTLE = re.compile(r"^\s*(?:@prefix|@base|prefix\s+\S*:\s*<|base\s+<)", re.IGNORECASE | re.M)
_STATEMENT = re.compile(r"^\s*(?:<[^<>\s]*>|\w*:\w+|\[\])\s+(?:a|<[^<>\s]*>|\w*:\w+)\s+\S", re.M)
_GRAPH_BLOCK = re.compile(r"^\s*(?:GRAPH\s+)?(?:<[^<>\s]*>|\w*:\w+)?\s*\{\s*$", re.I | re.M)
_OBO = re.compile(r"^(?:format-version:|\[Term\]|\[Typedef\])", re.M)


def detect_format(source: Source) -> str:
    """Return the name under which READERS knows a file's format.

    Raises:
        GraphError: The content is like nothing that can be read.
    """
    head = source.head()
    if not head.strip():
        raise GraphError(
            f"{source.name}: the file is empty, so there is no graph in it. Name another file, "
            f"or write this one again."
        )
    for recognise in _RECOGNISERS:
        if found := recognise(head, source.suffix):
            return found
    raise GraphError(
        f"{source.name}: the format was not recognised (it begins {head.lstrip()[:40]!r}). If you "
        f"know it, say it: read_graph({source.name!r}, format='turtle')."
    )


def _markup(head: str, suffix: str) -> str | None:
    if not head.lstrip().startswith(("<?xml", "<!", "<rdf:", "<RDF")):
        return None
    if re.search(r"<(?:\w+:)?RDF\b", head):
        return "xml"
    if re.search(r"<TriX\b", head):
        return "trix"
    return "xml" if suffix in (".rdf", ".owl") else None


def _json(head: str, suffix: str) -> str | None:
    text = head.lstrip()
    if not text.startswith(("{", "[")):
        return None
    if text.startswith('["') and suffix not in (".json", ".jsonld"):
        return "hext"
    is_linked = '"@' in head or suffix == ".jsonld"
    return "json-ld" if is_linked else None


def _obo(head: str, suffix: str) -> str | None:
    return "obo" if _OBO.search(head) else None


def _lines(head: str, suffix: str) -> str | None:
    lines = [line for line in head.splitlines() if line.strip() and not line.startswith("#")]
    if lines and _NTRIPLE.match(lines[0]):
        return "nquads" if suffix == ".nq" else "nt"
    return "nquads" if lines and _NQUAD.match(lines[0]) else None


def _turtle(head: str, suffix: str) -> str | None:
    if not (_TURTLE.search(head) or _STATEMENT.search(head)):
        return None
    if suffix == ".n3":
        return "n3"
    return "trig" if suffix == ".trig" or _GRAPH_BLOCK.search(head) else "turtle"


def _table(head: str, suffix: str) -> str | None:
    first = next(line for line in head.splitlines() if line.strip())
    return "table" if max(map(first.count, "\t,;|")) else None


_RECOGNISERS: tuple[Callable[[str, str], str | None], ...] = (
    _markup,
    _json,
    _obo,
    _lines,
    _turtle,
    _table,
)
