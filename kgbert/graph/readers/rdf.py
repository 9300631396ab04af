"""Read RDF with rdflib, which knows every syntax, or faster with Oxigraph if it is installed."""

import re
import warnings
import xml.sax
from functools import partial
from importlib.util import find_spec

import rdflib
from rdflib.exceptions import ParserError

from kgbert.graph.core.identifiers import BASE
from kgbert.graph.files.json_locations import error_reporter, locate_error
from kgbert.graph.files.safe_parsing import refuse_remote_contexts, safe_json, safe_xml
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.errors import GraphError, Remedy

#: Syntaxes of datasets; their graphs are read as their union.
_QUADS = ("nquads", "trig", "trix")


def read_rdf(syntax: str, source: Source, statements: Statements) -> None:
    """Add the statements of a file, with the fastest parser that is installed."""
    if find_spec("pyoxigraph"):
        from kgbert.graph.readers.oxigraph import SYNTAXES, add_with_oxigraph

        if syntax in SYNTAXES:
            add_with_oxigraph(syntax, source, statements)
            return
    add_with_rdflib(syntax, source, statements)


def add_with_rdflib(syntax: str, source: Source, statements: Statements) -> None:
    """Add the statements of a file in any syntax."""
    content = safe_content(syntax, source)
    with _SyntaxErrors(source, syntax):
        add_graph(_parse(syntax, content), statements)


def _parse(syntax: str, content: bytes) -> rdflib.Graph:
    graph = rdflib.Dataset(default_union=True) if syntax in _QUADS else rdflib.Graph()
    with warnings.catch_warnings():
        # rdflib's own parsers still call what rdflib deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        return graph.parse(data=content, format=syntax, publicID=BASE)


class _SyntaxErrors:
    """Context that turns what rdflib raises for a malformed file into a GraphError."""

    def __init__(self, source: Source, syntax: str) -> None:
        self.source, self.syntax = source, syntax

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if error is None or kind is None:
            return
        if issubclass(kind, RecursionError):
            raise GraphError(
                f"{self.source.name}: nested too deeply to be read as {self.syntax}. Convert it "
                f"to N-Triples, which has no nesting, or install the faster reader: pip install "
                f"'kgbert[fast]'.",
                code="nested-too-deeply",
            ) from None
        # For some syntax errors, such as a variable without a name in N3, rdflib raises Exception
        # itself; an except clause would catch its subclasses with it.
        if kind is Exception or issubclass(kind, _SYNTAX_ERRORS):
            if self.syntax == "json-ld":
                find_error = error_reporter(partial(_parse, "json-ld"), _SYNTAX_ERRORS)
                error = SyntaxError(locate_error(self.source.content(), find_error))
            raise not_valid(self.source, self.syntax, error) from None


def safe_content(syntax: str, source: Source) -> bytes:
    """Return the content; refuse what would fetch, expand or nest without bound."""
    if syntax in ("xml", "trix"):
        return safe_xml(source)
    content = source.content()
    if syntax == "json-ld":
        refuse_remote_contexts(safe_json(source), source)
    else:
        _refuse_long_literals(content, source)
    return content


def _refuse_long_literals(content: bytes, source: Source) -> None:
    """Refuse a literal on which rdflib would spend minutes: a long run without a delimiter."""
    # A run that is longer than the limit covers a block of half its size.
    half = max(1, source.limits.line // 2)
    blocks = range(0, len(content) - half + 1, half)
    if all(content.find(b'"', start, start + half) >= 0 for start in blocks):
        return
    place = 0
    for piece in content.split(b'"'):
        if len(piece) > source.limits.line < max(map(len, re.split(rb"[<>]", piece))):
            line = content.count(b"\n", 0, place) + 1
            raise GraphError(
                f"{source.name}, line {line}: a literal of more than {source.limits.line:,} bytes, "
                f"more than any name or definition. Leave it out of the export.",
                code="literal-too-long",
                remedies=[Remedy("line", len(piece), "if you trust the file", "Limits")],
            )
        place += len(piece) + 1


def not_valid(source: Source, syntax: str, error: BaseException) -> GraphError:
    """Return the error that names the place where a file breaks its syntax."""
    if isinstance(error, UnicodeDecodeError):
        return source.not_utf8(error)
    # The parser has named the line already, which Python names again.
    text = str(error).removesuffix(f" (line {getattr(error, 'lineno', 0)})")
    reason = " ".join(text.split())[:300] or type(error).__name__
    other = "nt" if syntax != "nt" else "turtle"
    remedies = [] if syntax == "json-ld" else [Remedy("format", other, "if that is its format")]
    return GraphError(
        f"{source.name}: not valid {syntax} ({reason}). Correct the file there.",
        code="malformed-rdf",
        remedies=remedies,
    )


def add_graph(graph: rdflib.Graph, statements: Statements) -> None:
    """Add the statements of an rdflib graph, or of all graphs of a dataset."""
    # By subject: rdflib yields all triples in hash order, but those of one subject as in the file.
    for subject in graph.subjects(unique=True):
        for predicate, target in graph.predicate_objects(subject):
            _add_triple(subject, str(predicate), target, statements)


def _add_triple(
    subject: rdflib.term.Node, predicate: str, target: rdflib.term.Node, statements: Statements
) -> None:
    if isinstance(target, rdflib.Literal):
        statements.add_literal(_term(subject), predicate, str(target), target.language or "")
        if target.datatype is not None and not isinstance(subject, rdflib.BNode):
            statements.check_datatype(str(target), str(target.datatype))
    else:
        statements.add_resource(_term(subject), predicate, _term(target))


def _term(node: rdflib.term.Node) -> str:
    return f"_:{node}" if isinstance(node, rdflib.BNode) else str(node)


#: What rdflib's parsers raise for malformed files: their own errors, and Python's where a parser
#: trusted the file.
_SYNTAX_ERRORS = (
    ParserError,
    xml.sax.SAXException,
    SyntaxError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NameError,
    AssertionError,
)
