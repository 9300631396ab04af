"""Do both parsers, and all forms of a graph, say the same? Sizes of graphs that are read whole."""

import json
import time
from pathlib import Path
from typing import Any

_RDF_SUFFIXES = (".ttl", ".rdf", ".owl", ".nt", ".nq", ".jsonld")
#: What is read whole below --graphs: folders of modules, one big file, and one graph in five forms.
WHOLE = ("fibo", "lkif_core", "chebi/chebi_triples.csv.gz", "schemaorg/*-https.[!c]*")


def compare(folder: Path) -> dict[str, bool]:
    """Return for each RDF file whether both parsers understand the same graph."""
    from kgbert.graph.detect import detect_format
    from kgbert.graph.naming import complete
    from kgbert.graph.options import ReadOptions
    from kgbert.graph.oxigraph import SYNTAXES, add_with_oxigraph
    from kgbert.graph.rdf import add_with_rdflib
    from kgbert.graph.source import Source
    from kgbert.graph.statements import Statements

    equal = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _RDF_SUFFIXES):
        source, graphs = Source(path), []
        syntax = detect_format(source)
        if syntax not in SYNTAXES:
            continue
        for add in (add_with_oxigraph, add_with_rdflib):
            # A file that only imports others has no names.
            statements = Statements(ReadOptions(name_from_id=True))
            add(syntax, source, statements)
            graphs.append(complete(statements, source.name).build())
        equal[str(path.relative_to(folder))] = graphs[0] == graphs[1]
    return equal


def read_whole(folder: Path) -> list[dict[str, Any]]:
    """Return the size of graphs in several files, or forms, and the time that each takes."""
    sizes = []
    for pattern in WHOLE:
        for path in sorted(folder.glob(pattern)):
            sizes.append(_sized(path, folder))
            print(json.dumps(sizes[-1]), flush=True)
    return sizes


def compare_table(folder: Path) -> dict[str, Any]:
    """Return how far schema.org's table of types says what its RDF does.

    They cannot be the same graph: the table writes definitions in HTML and RDF has Markdown, and
    other relations than the hierarchy are for people there.
    """
    from kgbert import read_graph

    rdf = read_graph(folder / "schemaorg-current-https.ttl", cache=None)
    table = read_graph(folder / "schemaorg-current-https-types.csv", cache=None)
    known = set(table.entity_ids)
    return {
        "entities": len(table),
        "same names": _named(rdf, known) == _named(table, known),
        "same hierarchy": _below(rdf) == _below(table),
    }


def _sized(path: Path, folder: Path) -> dict[str, Any]:
    from kgbert import read_graph

    used = time.process_time()
    graph = read_graph(path, cache=None)
    return {
        "graph": str(path.relative_to(folder)),
        "seconds": round(time.process_time() - used, 2),
        "entities": len(graph),
        "names": len(graph.names),
        "edges": len(graph.heads),
        "hash": graph.hash[:12],
    }


def _named(graph: Any, entities: set[str]) -> set[tuple[str, str]]:
    ids = list(graph.entity_ids)
    names = zip(graph.name_entities.tolist(), graph.names, strict=True)
    return {(ids[owner], text) for owner, text in names if ids[owner] in entities}


def _below(graph: Any) -> set[tuple[str, str]]:
    ids = list(graph.entity_ids)
    return {
        (ids[head], ids[tail])
        for head, relation, tail in zip(graph.heads, graph.relations, graph.tails, strict=True)
        if graph.relation_ids[relation] == "rdfs:subClassOf"
    }
