"""Read a knowledge graph from a file or from memory."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.detect import detect_format
from kgbert.graph.graph import GraphError, KnowledgeGraph
from kgbert.graph.obo import read_obo
from kgbert.graph.options import ReadOptions
from kgbert.graph.source import Source
from kgbert.graph.table import read_table
from kgbert.lookup import lookup

if TYPE_CHECKING:
    import networkx as nx
    import rdflib
    from torch_geometric.data import Data

    InMemory: TypeAlias = rdflib.Graph | nx.Graph[Any] | Data

Reader = Callable[[Source, ReadOptions], GraphBuilder]


def read_graph(
    source: "str | os.PathLike[str] | InMemory",
    *,
    format: str | None = None,
    options: ReadOptions | None = None,
) -> KnowledgeGraph:
    """Return the knowledge graph of a local file, or of a graph in memory.

    Args:
        source: Path of a file, or an rdflib, networkx or PyG graph. Nothing is ever fetched.
        format: A name in ``READERS``; found by the file's content if not given.
        options: What to read, and how; the defaults suit most ontologies.

    Raises:
        GraphError: There is nothing to read, or it cannot be read; the message says why.
    """
    options = options or ReadOptions()
    if not isinstance(source, str | os.PathLike):
        return _read_memory(source, options)
    file = Source(Path(source), limits=options.limits)
    _check(file)
    members = file.members()
    if len(members) != 1:
        raise GraphError(
            f"{file.name}: an archive of {len(members):,} files, not one graph. Unpack it, and "
            f"name the file or the folder: read_graph('unpacked/ontology.owl')."
        )
    reader = lookup(READERS, format or detect_format(members[0]), "graph format")
    return reader(members[0], options).build(source=file.name)


def _check(file: Source) -> None:
    """Refuse what is no readable file, saying what is there instead."""
    if file.path.is_dir():
        found = sorted(path.name for path in file.path.iterdir())[:5]
        raise GraphError(
            f"{file.name}: a folder, not a graph file (it holds {', '.join(found) or 'nothing'}). "
            f"Name one file in it: read_graph('{file.path / 'ontology.owl'}')."
        )
    if not file.path.exists():
        near = file.path.parent if file.path.parent.is_dir() else Path.cwd()
        raise GraphError(
            f"{file.name}: no such file. Check the path (files are looked for from "
            f"{Path.cwd()}; {near} {'exists' if near.is_dir() else 'is no folder'}), and download "
            f"the ontology first if that was an address: nothing is ever fetched."
        )


def _read_memory(graph: Any, options: ReadOptions) -> KnowledgeGraph:
    # Imported here: a file in OBO or CSV needs neither library, and they take a while to load.
    import networkx as nx
    import rdflib

    from kgbert.graph.memory import read_networkx, read_pyg, read_rdflib

    if isinstance(graph, rdflib.Graph):
        return read_rdflib(graph, options).build(source="rdflib graph")
    if isinstance(graph, nx.Graph):
        return read_networkx(graph, options).build(source="networkx graph")
    if type(graph).__module__.startswith("torch_geometric.data"):
        return read_pyg(graph, options).build(source="PyG Data")
    raise TypeError(
        f"a {type(graph).__name__} is not a graph that can be read; pass the path of a file, an "
        f"rdflib.Graph or a networkx graph, for example read_graph('ontology.owl')."
    )


def _rdf(syntax: str) -> Reader:
    def read(source: Source, options: ReadOptions) -> GraphBuilder:
        from kgbert.graph.rdf import read_rdf  # rdflib takes a while to load

        return read_rdf(syntax, source, options)

    return read


#: Formats by name; each reader fills a builder with what a source says. SKOS and OWL vocabularies
#: are understood in every RDF syntax.
READERS: dict[str, Reader] = {
    "obo": read_obo,
    "turtle": _rdf("turtle"),
    "xml": _rdf("xml"),
    "nt": _rdf("nt"),
    "json-ld": _rdf("json-ld"),
    "n3": _rdf("n3"),
    "nquads": _rdf("nquads"),
    "trig": _rdf("trig"),
    "trix": _rdf("trix"),
    "hext": _rdf("hext"),
    "table": read_table,
}
