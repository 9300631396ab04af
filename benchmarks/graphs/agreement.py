"""Do both parsers, and all forms of a graph, say the same? Sizes of graphs that are read whole.

What graph_reading.py writes with --graphs; by itself it asks again, and changes these answers in
the results alone:

    python -m benchmarks.graphs.agreement FOLDER [--out FILE.json]
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import Any

from benchmarks import RESULTS

_Edge = tuple[str, str, str]
_RDF_SUFFIXES = (".ttl", ".rdf", ".owl", ".nt", ".nq", ".jsonld")
#: What is read whole below --graphs: folders of modules, one big file, and one graph in five forms.
WHOLE = ("fibo", "lkif_core", "chebi/chebi_triples.csv.gz", "schemaorg/*-https.[!c]*")
_OWN = "https://schema.org/"


def main() -> None:
    """Compare all graphs below a folder, and put the answers into the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graphs", type=Path, help="folder of graphs")
    parser.add_argument("--out", type=Path, default=RESULTS / "graph_reading.json")
    arguments = parser.parse_args()
    report = json.loads(arguments.out.read_text()) | agreement(arguments.graphs)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def agreement(graphs: Path) -> dict[str, Any]:
    """Return all that is compared below a folder."""
    return {
        "read whole": read_whole(graphs),
        "schema.org's tables": compare_tables(graphs / "schemaorg"),
        "equal to rdflib": compare(graphs),
    }


def compare(folder: Path) -> dict[str, bool]:
    """Return for each RDF file whether both parsers understand the same graph."""
    from kgbert.graph.core.options import ReadOptions
    from kgbert.graph.files.format_detection import detect_format
    from kgbert.graph.files.source import Source
    from kgbert.graph.rdf.default_names import finalize
    from kgbert.graph.rdf.statements import Statements
    from kgbert.graph.readers.oxigraph import SYNTAXES, add_with_oxigraph
    from kgbert.graph.readers.rdf import add_with_rdflib

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
            graphs.append(finalize(statements, source.name).build())
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


def compare_tables(folder: Path) -> dict[str, Any]:
    """Return how far schema.org's two tables, of types and of properties, say what its RDF does.

    They cannot be the same graph, and differ by nature in this: definitions are HTML there and
    Markdown in RDF; labels have no language, which two have in RDF; a thing has one class, where
    RDF has two for some; other edges than those that the tables have a column for are not there,
    as to the vocabularies that a type is like, nor are the ids at the ends of those.
    """
    from kgbert import read_graph

    rdf = read_graph(folder / "schemaorg-current-https.ttl", cache=None)
    forms = [folder / f"schemaorg-current-https-{name}.csv" for name in ("types", "properties")]
    tables = read_graph(forms, cache=None)
    known, said, said_in_rdf = set(tables.entity_ids), _edges(tables), _edges(rdf)
    names = dict(zip(rdf.relation_ids, rdf.relation_names, strict=True))
    named = dict(zip(tables.relation_ids, tables.relation_names, strict=True))
    return {
        "entities": len(tables),
        "entities of RDF alone": len(set(rdf.entity_ids) - known),
        "edges": len(said),
        "edges of RDF alone": dict(Counter(edge[1] for edge in said_in_rdf - said).most_common()),
        "every edge is in RDF": said <= said_in_rdf,
        "same names": _named(rdf, known) == _named(tables, known),
        "same hierarchy": _of("rdfs:subClassOf", said) == _of("rdfs:subClassOf", said_in_rdf),
        "same domains and ranges": _of(_OWN, said) == _of(_OWN, said_in_rdf, known),
        "same relations": named.items() <= names.items(),
        "same replacements": rdf.replaced == tables.replaced,
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


def _edges(graph: Any) -> set[_Edge]:
    ids = list(graph.entity_ids)
    return {
        (ids[head], graph.relation_ids[relation], ids[tail])
        for head, relation, tail in zip(graph.heads, graph.relations, graph.tails, strict=True)
    }


def _of(relation: str, edges: set[_Edge], tails: Container[str] | None = None) -> set[_Edge]:
    """Return the edges of a relation, or of all that begin so; to some tails, if these are told."""
    return {
        edge for edge in edges if edge[1].startswith(relation) and (not tails or edge[2] in tails)
    }


if __name__ == "__main__":
    main()
