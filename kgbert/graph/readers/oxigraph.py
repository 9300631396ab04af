"""Read RDF with Oxigraph, straight into statements (the optional extra ``kgbert[fast]``)."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, islice
from typing import Any

import pyoxigraph
from pyoxigraph import RdfFormat

from kgbert.graph.core.identifiers import BASE
from kgbert.graph.files.json_locations import error_reporter, locate_error
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.datatypes import CHECKED_DATATYPES
from kgbert.graph.rdf.owl_annotations import strip_axioms
from kgbert.graph.rdf.statements import ON_BLANKS, Statements
from kgbert.graph.readers.rdf import not_valid, safe_content

#: Syntaxes with one statement per line, which are streamed.
_STREAMED = ("nt", "nquads")
_SYNTAX_ERRORS = (SyntaxError, ValueError, MemoryError)
#: Statements that are interpreted together.
_CHUNK = 1 << 18


def add_with_oxigraph(syntax: str, source: Source, statements: Statements) -> None:
    """Add the statements of a file in one of ``SYNTAXES``.

    IRIs are not validated, as in rdflib: those of real ontologies may contain spaces.
    """
    with _open(syntax, source) as content:
        try:
            _add_all(_parse(syntax, content), statements)
        except _SYNTAX_ERRORS as error:
            raise not_valid(source, syntax, _with_location(error, syntax, source)) from None


def _open(syntax: str, source: Source) -> AbstractContextManager[Any]:
    """Return the stream of a line-based file, or the content of another without annotations."""
    if syntax in _STREAMED:
        return source.stream()
    return nullcontext(strip_axioms(syntax, safe_content(syntax, source)))


def _parse(syntax: str, content: Any) -> Iterator[pyoxigraph.Quad]:
    return pyoxigraph.parse(content, SYNTAXES[syntax], base_iri=BASE, lenient=True)


def _with_location(error: BaseException, syntax: str, source: Source) -> BaseException:
    """Return the error with its line in the whole file, of which annotations may be left out."""
    if syntax in _STREAMED:
        return error
    content = safe_content(syntax, source)
    if syntax == "json-ld":
        return SyntaxError(
            locate_error(content, error_reporter(partial(_parse_all, syntax), _SYNTAX_ERRORS))
        )
    lines = _Lines(content)
    try:
        _parse_all(syntax, lines)
    except _SYNTAX_ERRORS as same:
        # Oxigraph names no line of RDF/XML: it is the last line that was read.
        return SyntaxError(f"line {lines.number}: {same}") if syntax == "xml" else same
    return error


def _parse_all(syntax: str, content: Any) -> None:
    """Parse a content for the errors that the parser raises."""
    deque(_parse(syntax, content), maxlen=0)


class _Lines:
    """A stream that returns one line at a time and knows its number."""

    def __init__(self, content: bytes) -> None:
        self.lines = iter(content.splitlines(keepends=True))
        self.number, self.rest = 0, b""

    def read(self, size: int) -> bytes:
        if not self.rest and (line := next(self.lines, b"")):
            self.number, self.rest = self.number + 1, line
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece


def _add_all(quads: Iterator[pyoxigraph.Quad], statements: Statements) -> None:
    for first in quads:
        _add_chunk(chain((first,), islice(quads, _CHUNK)), statements)
        statements.flush()


def _add_chunk(quads: Iterable[pyoxigraph.Quad], statements: Statements) -> None:
    """Add statements in one loop without calls: there may be fifty million of them."""
    pending_texts, pending_resources = statements.pending_texts, statements.pending_resources
    named, blank = pyoxigraph.NamedNode, pyoxigraph.BlankNode
    literal, triple = pyoxigraph.Literal, pyoxigraph.Triple
    # Most files list the statements about one subject together.
    last, subject = None, ""
    for quad in quads:
        predicate, start = quad.predicate.value, quad.subject
        # Two thirds of the statements of HPO only annotate other statements.
        if type(start) is blank and predicate not in ON_BLANKS:
            continue
        if start != last:
            last, subject = start, start.value if type(start) is named else str(start)
        target = quad.object
        if type(target) is literal:
            text, language = target.value, target.language or ""
            subjects, texts = pending_texts[predicate][language]
            subjects.append(subject)
            texts.append(text)
            datatype = "" if language or type(start) is blank else target.datatype.value
            if datatype in CHECKED_DATATYPES:
                statements.check_datatype(text, datatype)
        elif type(target) is not triple:
            subjects, targets = pending_resources[predicate]
            subjects.append(subject)
            targets.append(target.value if type(target) is named else str(target))


#: The syntaxes that Oxigraph reads, and their names there.
SYNTAXES = {
    "turtle": RdfFormat.TURTLE,
    "xml": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nquads": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "json-ld": RdfFormat.JSON_LD,
}
