"""The readers of graph formats by name.

To add a format, write a function that takes a ``Source`` and the ``Statements`` to fill, and add a
line to ``READERS``. Other packages add a reader by the entry point group ``kgbert.readers``; a
user may also pass the function itself: ``read_graph(path, format=function)``.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.source import Source
from kgbert.graph.rdf.statements import Statements
from kgbert.utils.registry import READERS_GROUP, lookup

#: Adds the content of a source to statements.
Reader: TypeAlias = Callable[[Source, Statements], None]


def reader_of(source: Source, format: str | Reader | None) -> Reader:
    """Return the reader of a file: one that was given, named, or detected by the content."""
    if callable(format):
        return format
    return lookup(READERS, format or detect_format(source), "graph format", READERS_GROUP)


def _reader(module: str, function: str) -> Reader:
    """Return a reader whose module is imported when it is first used."""

    def read(source: Source, statements: Statements) -> None:
        getattr(import_module(f"kgbert.graph.readers.{module}"), function)(source, statements)

    return read


def _rdf(syntax: str) -> Reader:
    def read(source: Source, statements: Statements) -> None:
        from kgbert.graph.readers.rdf import read_rdf

        read_rdf(syntax, source, statements)

    return read


def _graph_editor(format_name: str) -> Reader:
    def read(source: Source, statements: Statements) -> None:
        from kgbert.graph.readers.graph_editors import read_graph_format

        read_graph_format(format_name, source, statements)

    return read


#: Formats by name. SKOS and OWL vocabularies are understood in every RDF syntax.
READERS: dict[str, Reader] = {
    "obo": _reader("obo", "read_obo"),
    "turtle": _rdf("turtle"),
    "xml": _rdf("xml"),
    "nt": _rdf("nt"),
    "json-ld": _rdf("json-ld"),
    "n3": _rdf("n3"),
    "nquads": _rdf("nquads"),
    "trig": _rdf("trig"),
    "trix": _rdf("trix"),
    "hext": _reader("hextuples", "read_hextuples"),
    "obographs": _reader("json.obographs", "read_obographs"),
    "records": _reader("json.records", "read_records"),
    "tree": _reader("json.records", "read_tree"),
    "fhir": _reader("fhir", "read_fhir"),
    "stix": _reader("json.stix", "read_stix"),
    "wikidata": _reader("json.wikidata", "read_wikidata"),
    "table": _reader("tables.table", "read_table"),
    "names": _reader("name_lists", "read_names"),
    "paths": _reader("name_lists", "read_paths"),
    "dictionary": _reader("dictionary", "read_dictionary"),
    "rrf": _reader("umls", "read_rrf"),
    "graphml": _graph_editor("graphml"),
    "gexf": _graph_editor("gexf"),
    "gml": _graph_editor("gml"),
    "pajek": _graph_editor("pajek"),
    "node-link": _graph_editor("node-link"),
}
