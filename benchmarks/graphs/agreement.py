"""Do both RDF parsers, and all formats of a graph, yield the same graph?

Part of graphs.reading with --graphs; by itself it updates these answers in the results:

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
#: Graphs that are read completely: folders of modules, a big file, and one graph in five formats.
GRAPH_PATTERNS = ("fibo", "lkif_core", "chebi/chebi_triples.csv.gz", "schemaorg/*-https.[!c]*")
_SCHEMA_ORG = "https://schema.org/"


def main() -> None:
    """Compare all graphs below a folder, and update the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graphs", type=Path, help="folder of graphs")
    parser.add_argument("--out", type=Path, default=RESULTS / "graph_reading.json")
    arguments = parser.parse_args()
    report = json.loads(arguments.out.read_text()) | agreement(arguments.graphs)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


def agreement(graphs: Path) -> dict[str, Any]:
    """Return all comparisons of the graphs below a folder."""
    return {
        "read whole": read_whole(graphs),
        "schema.org's tables": compare_tables(graphs / "schemaorg"),
        "equal to rdflib": compare(graphs),
    }


def compare(folder: Path) -> dict[str, bool]:
    """Return for each RDF file whether both parsers read the same graph."""
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
    """Return size and reading time of graphs in several files or formats."""
    sizes = []
    for pattern in GRAPH_PATTERNS:
        for path in sorted(folder.glob(pattern)):
            sizes.append(_size_row(path, folder))
            print(json.dumps(sizes[-1]), flush=True)
    return sizes


def compare_tables(folder: Path) -> dict[str, Any]:
    """Compare schema.org's two CSV tables, of types and of properties, with its RDF.

    They differ by design: definitions are HTML in the tables and Markdown in RDF; labels have no
    language, as two have in RDF; a thing has one class where RDF has two for some; edges without
    a column, such as those to equivalent types of other vocabularies, are missing.
    """
    from kgbert import read_graph

    rdf = read_graph(folder / "schemaorg-current-https.ttl", cache=None)
    forms = [folder / f"schemaorg-current-https-{name}.csv" for name in ("types", "properties")]
    tables = read_graph(forms, cache=None)
    entities, table_edges, rdf_edges = set(tables.entity_ids), _edges(tables), _edges(rdf)
    rdf_relations = dict(zip(rdf.relation_ids, rdf.relation_names, strict=True))
    table_relations = dict(zip(tables.relation_ids, tables.relation_names, strict=True))
    return {
        "entities": len(tables),
        "entities of RDF alone": len(set(rdf.entity_ids) - entities),
        "edges": len(table_edges),
        "edges of RDF alone": dict(
            Counter(edge[1] for edge in rdf_edges - table_edges).most_common()
        ),
        "every edge is in RDF": table_edges <= rdf_edges,
        "same names": _name_pairs(rdf, entities) == _name_pairs(tables, entities),
        "same hierarchy": _edges_of("rdfs:subClassOf", table_edges)
        == _edges_of("rdfs:subClassOf", rdf_edges),
        "same domains and ranges": _edges_of(_SCHEMA_ORG, table_edges)
        == _edges_of(_SCHEMA_ORG, rdf_edges, entities),
        "same relations": table_relations.items() <= rdf_relations.items(),
        "same replacements": rdf.replaced == tables.replaced,
    }


def _size_row(path: Path, folder: Path) -> dict[str, Any]:
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


def _name_pairs(graph: Any, entities: set[str]) -> set[tuple[str, str]]:
    ids = list(graph.entity_ids)
    names = zip(graph.name_entities.tolist(), graph.names, strict=True)
    return {(ids[owner], text) for owner, text in names if ids[owner] in entities}


def _edges(graph: Any) -> set[_Edge]:
    ids = list(graph.entity_ids)
    return {
        (ids[head], graph.relation_ids[relation], ids[tail])
        for head, relation, tail in zip(graph.heads, graph.relations, graph.tails, strict=True)
    }


def _edges_of(relation: str, edges: set[_Edge], tails: Container[str] | None = None) -> set[_Edge]:
    """Return the edges whose relation begins with a prefix, optionally only to some tails."""
    return {
        edge for edge in edges if edge[1].startswith(relation) and (not tails or edge[2] in tails)
    }


if __name__ == "__main__":
    main()
