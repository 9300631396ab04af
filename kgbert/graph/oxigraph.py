"""Read RDF with Oxigraph, straight into statements (the optional extra ``kgbert[fast]``)."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pyoxigraph
from pyoxigraph import RdfFormat

from kgbert.graph.datatypes import JUDGED
from kgbert.graph.identifiers import BASE
from kgbert.graph.rdf import not_valid, safe_content
from kgbert.graph.source import Source
from kgbert.graph.statements import ON_BLANKS, Statements
from kgbert.graph.vocabulary import ANNOTATING

#: Syntaxes whose statements stand alone, so that the file is streamed.
_STREAMED = ("nt", "nquads")


def add_with_oxigraph(syntax: str, source: Source, statements: Statements) -> None:
    """Add the statements of a file in one of SYNTAXES.

    IRIs are not validated, as rdflib does not either: real ontologies hold spaces in them.
    """
    with _opened(syntax, source) as content:
        try:
            _add_all(
                pyoxigraph.parse(content, SYNTAXES[syntax], base_iri=BASE, lenient=True), statements
            )
        except (SyntaxError, ValueError, MemoryError) as error:
            raise not_valid(source, syntax, error) from None


def _opened(syntax: str, source: Source) -> AbstractContextManager[Any]:
    """Return the stream of a file whose statements stand alone, else its content."""
    return source.stream() if syntax in _STREAMED else nullcontext(safe_content(syntax, source))


def _add_all(quads: Iterable[pyoxigraph.Quad], statements: Statements) -> None:
    add_literal, add_resource = statements.add_literal, statements.add_resource
    named, blank, literal = pyoxigraph.NamedNode, pyoxigraph.BlankNode, pyoxigraph.Literal
    for quad in quads:
        predicate = quad.predicate.value
        # Of the statements of HPO, two thirds only annotate others.
        if predicate in ANNOTATING:
            continue
        start = quad.subject
        if type(start) is blank and predicate not in ON_BLANKS:
            continue
        target = quad.object
        subject = start.value if type(start) is named else str(start)
        if type(target) is named:
            add_resource(subject, predicate, target.value)
        elif type(target) is literal:
            text, language = target.value, target.language or ""
            add_literal(subject, predicate, text, language)
            if not language and (datatype := target.datatype.value) in JUDGED:
                statements.check_type(text, datatype)
        elif type(target) is blank:
            add_resource(subject, predicate, str(target))


#: The syntaxes that Oxigraph reads, and what it calls them.
SYNTAXES = {
    "turtle": RdfFormat.TURTLE,
    "xml": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nquads": RdfFormat.N_QUADS,
    "trig": RdfFormat.TRIG,
    "json-ld": RdfFormat.JSON_LD,
}
