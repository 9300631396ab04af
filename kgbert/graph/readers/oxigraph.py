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
from kgbert.graph.files.json_locations import complaining, located
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.datatypes import JUDGED
from kgbert.graph.rdf.owl_annotations import without_axioms
from kgbert.graph.rdf.statements import ON_BLANKS, Statements
from kgbert.graph.readers.rdf import not_valid, safe_content

#: Syntaxes whose statements stand alone, so that the file is streamed.
_STREAMED = ("nt", "nquads")
_SYNTAX_ERRORS = (SyntaxError, ValueError, MemoryError)
#: Statements that are understood together.
_TOGETHER = 1 << 18


def add_with_oxigraph(syntax: str, source: Source, statements: Statements) -> None:
    """Add the statements of a file in one of SYNTAXES.

    IRIs are not validated, as rdflib does not either: real ontologies hold spaces in them.
    """
    with _opened(syntax, source) as content:
        try:
            _add_all(_parsed(syntax, content), statements)
        except _SYNTAX_ERRORS as error:
            raise not_valid(source, syntax, _located(error, syntax, source)) from None


def _opened(syntax: str, source: Source) -> AbstractContextManager[Any]:
    """Return the stream of a file whose statements stand alone, else what matters of it."""
    if syntax in _STREAMED:
        return source.stream()
    return nullcontext(without_axioms(syntax, safe_content(syntax, source)))


def _parsed(syntax: str, content: Any) -> Iterator[pyoxigraph.Quad]:
    return pyoxigraph.parse(content, SYNTAXES[syntax], base_iri=BASE, lenient=True)


def _located(error: BaseException, syntax: str, source: Source) -> BaseException:
    """Return the error with its place in the whole file, of which axioms may be left out."""
    if syntax in _STREAMED:
        return error
    content = safe_content(syntax, source)
    if syntax == "json-ld":
        return SyntaxError(located(content, complaining(partial(_drain, syntax), _SYNTAX_ERRORS)))
    lines = _Lines(content)
    try:
        _drain(syntax, lines)
    except _SYNTAX_ERRORS as same:
        # Of RDF/XML Oxigraph does not tell the line: it is the last that was asked for.
        return SyntaxError(f"line {lines.number}: {same}") if syntax == "xml" else same
    return error


def _drain(syntax: str, content: Any) -> None:
    """Parse for the sake of what the parser raises."""
    deque(_parsed(syntax, content), maxlen=0)


class _Lines:
    """A stream that gives a line at a time, and knows which."""

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
        _add_some(chain((first,), islice(quads, _TOGETHER)), statements)
        statements.settle()


def _add_some(quads: Iterable[pyoxigraph.Quad], statements: Statements) -> None:
    """Add statements, in one loop without calls: there may be fifty million of them."""
    told, said = statements.told, statements.said
    named, blank = pyoxigraph.NamedNode, pyoxigraph.BlankNode
    literal, triple = pyoxigraph.Literal, pyoxigraph.Triple
    # Most files say all that they say about one thing together.
    last, subject = None, ""
    for quad in quads:
        predicate, start = quad.predicate.value, quad.subject
        # Of the statements of HPO, two thirds only annotate others.
        if type(start) is blank and predicate not in ON_BLANKS:
            continue
        if start != last:
            last, subject = start, start.value if type(start) is named else str(start)
        target = quad.object
        if type(target) is literal:
            text, language = target.value, target.language or ""
            subjects, texts = told[predicate][language]
            subjects.append(subject)
            texts.append(text)
            datatype = "" if language or type(start) is blank else target.datatype.value
            if datatype in JUDGED:
                statements.check_type(text, datatype)
        elif type(target) is not triple:
            subjects, targets = said[predicate]
            subjects.append(subject)
            targets.append(target.value if type(target) is named else str(target))


#: The syntaxes that Oxigraph reads, and what it calls them.
SYNTAXES = {
    "turtle": RdfFormat.TURTLE,
    "xml": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nquads": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "json-ld": RdfFormat.JSON_LD,
}
