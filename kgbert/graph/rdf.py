"""Read RDF, in every syntax that rdflib knows."""

import warnings
import xml.sax

import rdflib
from rdflib.exceptions import ParserError

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import GraphError
from kgbert.graph.naming import name_the_unnamed
from kgbert.graph.options import ReadOptions
from kgbert.graph.source import Source
from kgbert.graph.statements import Statements

Node = rdflib.term.Node

#: Syntaxes that hold several graphs; they are read as their union.
_QUADS = ("nquads", "trig", "trix", "hext")


def read_rdf(syntax: str, source: Source, options: ReadOptions) -> GraphBuilder:
    """Return what a file in one of rdflib's syntaxes says."""
    graph = rdflib.Dataset(default_union=True) if syntax in _QUADS else rdflib.Graph()
    try:
        with warnings.catch_warnings():
            # rdflib's own parsers still call what rdflib deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            graph.parse(data=source.content(), format=syntax)
    except UnicodeDecodeError as error:
        raise GraphError(
            f"{source.name}: not UTF-8 text ({error.reason} at byte {error.start}). Convert the "
            f"file first, for example: iconv -f latin1 -t utf-8 {source.path.name}"
        ) from None
    except RecursionError:
        raise GraphError(
            f"{source.name}: nested too deeply to be read as {syntax}. Convert it to N-Triples, "
            f"which has no nesting, for example with: rapper -o ntriples {source.path.name}"
        ) from None
    except _SYNTAX_ERRORS as error:
        reason = " ".join(str(error).split())[:300]
        raise GraphError(
            f"{source.name}: not valid {syntax} ({reason}). Mend the file there, or say which "
            f"format it has: read_graph({source.name!r}, format='nt')."
        ) from None
    return read_triples(graph, source.name, options)


def read_triples(graph: rdflib.Graph, name: str, options: ReadOptions) -> GraphBuilder:
    """Return what an rdflib graph, or all graphs of a dataset together, say."""
    statements = Statements(options)
    for subject, predicate, target in graph.triples((None, None, None)):
        if isinstance(target, rdflib.Literal):
            language = target.language or ""
            statements.add_literal(_term(subject), str(predicate), str(target), language)
        else:
            statements.add_resource(_term(subject), str(predicate), _term(target))
    builder = GraphBuilder()
    statements.finish(builder)
    name_the_unnamed(builder, name, options)
    return builder


def _term(node: Node) -> str:
    return f"_:{node}" if isinstance(node, rdflib.BNode) else str(node)


#: What rdflib's parsers raise for malformed files: their own errors, and Python's where a parser
#: trusted the file's shape.
_SYNTAX_ERRORS = (
    ParserError,
    xml.sax.SAXParseException,
    SyntaxError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NameError,
    AssertionError,
)
