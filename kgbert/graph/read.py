"""Read a knowledge graph from files or from memory."""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from kgbert.graph.cards import find_card, with_card_options
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.options import Limits, ReadOptions
from kgbert.graph.files.imports import ImportResolver, filter_graph_files, graph_files_in
from kgbert.graph.files.source import Source
from kgbert.graph.merge import EXACT, merge_graphs
from kgbert.graph.rdf.default_names import finalize
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.read_cache import CacheEntry, ReadFiles
from kgbert.graph.readers.objects.pandas import is_frame, read_frame
from kgbert.graph.readers.registry import Reader, reader_of
from kgbert.graph.readers.tables.layouts import is_numbering
from kgbert.utils.errors import GraphError
from kgbert.utils.paths import GRAPH_CACHE, similar_file

if TYPE_CHECKING:
    import networkx as nx
    import pandas
    import rdflib
    from torch_geometric.data import Data

    InMemory: TypeAlias = rdflib.Graph | nx.Graph[Any] | Data | pandas.DataFrame

#: Error codes that only cause a note for files in a folder or an archive: some are not graphs.
_NO_GRAPH = frozenset(
    (
        "unknown-columns",
        "columns-of-numbers",
        "history-of-snomed",
        "unknown-format",
        "unknown-json",
        "unknown-xml",
        "empty-file",
    )
)

#: Begins the address of a SPARQL endpoint.
_SPARQL = "sparql:"
#: Begin the address of a Neo4j database.
_NEO4J = ("neo4j://", "neo4j+s://", "neo4j+ssc://", "bolt://", "bolt+s://", "bolt+ssc://")

PathLike: TypeAlias = str | os.PathLike[str]


def read_graph(
    source: "PathLike | InMemory | Sequence[PathLike | InMemory]",
    *,
    format: str | Reader | None = None,
    options: ReadOptions | None = None,
    card: str | None = None,
    cache: PathLike | None = GRAPH_CACHE,
) -> KnowledgeGraph:
    """Return the knowledge graph of local files, or of a graph in memory.

    Imported ontologies are read too if they are in the folder of the file or listed in its
    ``catalog-v001.xml``. Missing imports cause a note; they are never downloaded.

    Only databases are fetched, named as ``sparql:https://...`` or ``neo4j+s://...``: their content
    is downloaded page by page into the cache, where another call continues or finds it.

    Args:
        source: Path of a file or folder, or the address of a database; an rdflib, networkx or PyG
            graph; a pandas table. Several paths or objects (for example nodes and edges) are read
            as one graph. They are merged as separate graphs if the options set ``match_on`` or
            ``mapping``.
        format: A name in ``READERS`` or a reader of yours. The default detects the format of
            each file by its content.
        options: What to read, and how. The defaults suit most ontologies.
        card: Name of a graph card (see ``kgbert.list_cards()``), or the path of yours. It sets
            the default options, the domain, and the licence if the source has none.
        cache: Folder of cached large graphs; a change of their files invalidates them. None
            disables the cache. A merge caches each graph and the result.

    Raises:
        GraphError: There is nothing to read, or it is not readable.
    """
    if card is not None:
        found = find_card(card)
        graph = read_graph(
            source, format=format, options=with_card_options(found, options), cache=cache
        )
        return replace(graph, licence=graph.licence or found.licence, domain=found.domain)
    if callable(format):
        cache = None  # the cache cannot detect a change of the reader's code
    options = options or ReadOptions()
    sources: list[Any] = list(source) if isinstance(source, list | tuple) else [source]
    if not sources or "" in [one for one in sources if isinstance(one, str)]:
        raise GraphError(
            f"no graph is named in {source!r}. Name a file, a folder or several of them.",
            code="no-graph-named",
        )
    _check_query(sources, options)
    if options.match_on or options.mapping:
        return _read_merged(sources, format, options, cache)
    if any(map(is_database, sources)):
        return _read_databases(sources, format, options, cache)
    if _are_paths(sources):
        folder = None if cache is None else Path(cache).expanduser()
        return _read_files([Path(path) for path in sources], format, options, folder)
    statements = Statements(options)
    name = " and ".join(dict.fromkeys(_read_memory(one, statements) for one in sources))
    return finalize(statements, name).build(source=name)


def is_database(source: object) -> bool:
    """Return whether a source is the address of a database."""
    return isinstance(source, str) and source.startswith((_SPARQL, *_NEO4J))


def _check_query(sources: list[Any], options: ReadOptions) -> None:
    if options.query and not any(map(is_database, sources)):
        raise GraphError(
            f"a query is for databases (sparql:https://... or neo4j+s://...), and "
            f"{', '.join(map(str, sources))[:80]} is none. Leave the query out.",
            code="query-without-endpoint",
        )


def _read_databases(
    sources: list[Any], format_name: str | Reader | None, options: ReadOptions, cache: Any
) -> KnowledgeGraph:
    """Return the graph of sources of which some are databases."""
    # Imported here: all other graphs are read without any network.
    from kgbert.graph.files.download import download
    from kgbert.graph.files.neo4j import Neo4jDatabase
    from kgbert.graph.files.sparql import SparqlEndpoint

    databases: dict[str, SparqlEndpoint | Neo4jDatabase] = {}
    for source in filter(is_database, sources):
        if source.startswith(_SPARQL):
            address = source.removeprefix(_SPARQL)
            databases[source] = SparqlEndpoint.of(address, options.query, options.limits)
        else:
            databases[source] = Neo4jDatabase.of(source, options.query, options.limits)
    local = replace(options, query="")
    with TemporaryDirectory(prefix="kgbert-download-") as temporary:
        folder = Path(temporary if cache is None else cache).expanduser() / "databases"
        files = [download(databases[x], folder) if x in databases else x for x in sources]
        graph = read_graph(files, format=format_name, options=local, cache=cache)
    names = [databases[x].name if x in databases else str(x) for x in sources]
    return replace(graph, source=", ".join(names))


def _read_merged(
    sources: list[Any], format_name: str | Reader | None, options: ReadOptions, cache: Any
) -> KnowledgeGraph:
    # Predicates that join the graphs must be read even if the options select other relations.
    joining = tuple(word for word in options.match_on if word.startswith("http"))
    related = (*options.relations, *joining) if options.relations else ()
    alone = replace(options, match_on=(), mapping="", relations=related)
    graphs = []
    for one in sources:
        own = alone if is_database(one) else replace(alone, query="")
        graphs.append(read_graph(one, format=format_name, options=own, cache=cache))
    entry = None
    if cache is not None and _are_paths(sources):
        paths = [Path(one) for one in sources]
        entry = CacheEntry.of(Path(cache).expanduser(), paths, format_name, options)
    if entry and (kept := entry.load_merged(graphs, options.mapping)):
        return kept
    merged = merge_graphs(
        graphs, match_on=options.match_on or EXACT, mapping=options.mapping or None
    )
    if entry:
        entry.store_merged(merged, graphs, options.mapping)
    return merged


def _are_paths(sources: list[Any]) -> bool:
    return all(isinstance(one, str | os.PathLike) for one in sources)


def _read_files(
    paths: list[Path], format_name: str | Reader | None, options: ReadOptions, folder: Path | None
) -> KnowledgeGraph:
    sources = [source for path in paths for source in _sources(path, options.limits)]
    entry = CacheEntry.of(folder, paths, format_name, options) if folder else None
    if entry and (kept := entry.find({source.path.resolve() for source in sources})):
        return kept
    statements = Statements(options)
    read = _gather(sources, paths, format_name, statements)
    name = ", ".join(map(str, paths))
    graph = finalize(statements, name).build(source=name)
    if entry:
        entry.keep(graph, read)
    return graph


def _gather(
    sources: list[Source],
    paths: list[Path],
    format_name: str | Reader | None,
    statements: Statements,
) -> ReadFiles:
    """Read files and their imports, and return which files were read."""
    unread: list[GraphError] = []
    # The numbers of entities are known before the files that use them.
    sources = sorted(sources, key=lambda one: not is_numbering(one.member or one.path.name))
    queue = deque((source, format_name) for source in sources)
    neighbours, done, read = ImportResolver(), set(), ReadFiles()
    while queue:
        source, requested_format = queue.popleft()
        key = (source.path.resolve(), source.member)
        if key in done:
            continue
        done.add(key)
        read.files.setdefault(key[0], key[0].stat().st_mtime_ns)
        known = set(statements.imports)
        if error := _read_source(source, requested_format, paths, statements):
            unread.append(error)
            continue
        for iri in sorted(statements.imports - known):
            if imported := neighbours.find(source, iri):
                queue.append((imported, None))
            else:
                read.missing.append((str(key[0]), iri))
    _note_absent(statements)
    if unread and len(unread) == len(done):
        raise unread[0]
    for error in unread:
        statements.builder.note(f"not read: {error.message.partition('. ')[0]}")
    return read


def _read_source(
    source: Source, format_name: str | Reader | None, paths: list[Path], statements: Statements
) -> GraphError | None:
    """Read a file; return the error if it is not a graph and the user did not name it."""
    try:
        reader_of(source, format_name)(source, statements)
    except GraphError as error:
        if error.code not in _NO_GRAPH or source.is_named(paths):
            raise
        return error
    statements.end_source()
    return None


def _note_absent(statements: Statements) -> None:
    read = {iri.rstrip("/#") for iri in statements.ontologies}
    if missing := sorted(iri for iri in statements.imports if iri.rstrip("/#") not in read):
        count = f"{len(missing):,} imported ontologies are not here, and nothing is fetched"
        statements.builder.note(f"{count}: {', '.join(missing)}")


def _sources(path: Path, limits: Limits) -> list[Source]:
    """Return the graph files at a path.

    Raises:
        GraphError: The path does not exist or is not a file or folder.
    """
    if path.is_dir():
        return graph_files_in(path, limits)
    if path.exists() and not path.is_file():
        raise GraphError(
            f"{path}: a pipe or a device, which cannot be read twice. Write what it contains to a "
            f"file first, and name that.",
            code="not-a-file",
        )
    if not path.is_file():
        similar = similar_file(path)
        raise GraphError(
            f"{path}: no such file; did you mean {similar}?"
            if similar
            else f"{path}: no such file. Check the path (it was looked for from {Path.cwd()}), and "
            "download the ontology first if that was an address: only databases are fetched, named "
            "as sparql:https://..., neo4j+s://... or bolt+s://...",
            code="missing-graph-file",
        )
    members = Source(path, limits=limits).members()
    # An archive often has a licence or a web page next to the ontology; without one, all count.
    return filter_graph_files(members) or members


def _read_memory(graph: Any, statements: Statements) -> str:
    if is_frame(graph):
        read_frame(graph, statements)
        return "pandas table"
    # Imported here because they load slowly and OBO or CSV files need neither library.
    import networkx as nx
    import rdflib

    from kgbert.graph.readers.objects.networkx import read_networkx
    from kgbert.graph.readers.objects.pyg import read_pyg
    from kgbert.graph.readers.rdf import add_graph

    if isinstance(graph, rdflib.Graph):
        add_graph(graph, statements)
    elif isinstance(graph, nx.Graph):
        read_networkx(graph, statements)
    elif type(graph).__module__.startswith("torch_geometric.data"):
        read_pyg(graph, statements)
    else:
        raise TypeError(
            f"a {type(graph).__name__} is not a graph that can be read; pass the path of a file, "
            f"an rdflib, networkx or PyG graph, or a pandas table (or a list of either), for "
            f"example read_graph('ontology.owl')."
        )
    return f"{type(graph).__module__.partition('.')[0]} graph"
