"""Which share of the text in RDF files does kgbert use, and does it miss names or parents?

The raw side is what Oxigraph's parser yields, with nothing of kgbert's vocabulary but four
predicates. Every value that is not used has to be one of a property that the graph's report lists:

    python -m benchmarks.graphs.literals FOLDER
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from kgbert import GraphError, KnowledgeGraph, ReadOptions, read_graph
from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.safe_parsing import safe_xml
from kgbert.graph.files.source import Source

_SUFFIXES = (".ttl", ".rdf", ".owl", ".nt", ".jsonld", ".skos")
_LABELS = {expand("rdfs:label"), expand("skos:prefLabel")}
_DEFINITIONS = {expand("skos:definition"), expand("obo:IAO_0000115")}
_SUBCLASS, _DEPRECATED = expand("rdfs:subClassOf"), expand("owl:deprecated")


def main() -> None:
    """Print a line for each RDF file below a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graphs", type=Path, help="folder of graphs")
    for path in sorted(parser.parse_args().graphs.rglob("*")):
        if path.is_file() and Source(path).suffix in _SUFFIXES:
            try:
                print(f"{path.name}: {compare(path)}", flush=True)
            except GraphError as error:
                print(f"{path.name}: refused, {error}", flush=True)


def compare(path: Path) -> str:
    """Return what a graph has of the texts and parents in its file."""
    # A file that only imports others has no names.
    graph = read_graph(path, options=ReadOptions(name_from_id=True), cache=None)
    raw = _Raw(path)
    known = set(graph.entity_ids)
    names = {(entity, name) for entity, name in raw.labels if entity in known}
    missing = {
        "names": names - _names(graph),
        "definitions": {entity for entity in raw.defined & known if not _definition(graph, entity)},
        "parents": {edge for edge in raw.parents if {*edge} <= known} - _parents(graph),
        "obsolete": raw.obsolete & known,
    }
    # Of what imported files say under the same properties no more than here counts.
    here = {compact(predicate): count for predicate, count in raw.texts.items()}
    unused = sum(min(count, here.get(key, 0)) for key, count in graph.unused_properties.items())
    share = 1 - unused / max(1, raw.texts.total())
    lines = [f"{raw.texts.total():,} literals, {share:.1%} read, {unused:,} listed as not used"]
    for kind, items in missing.items():
        if items:
            lines.append(f"  {len(items):,} {kind} differ, such as {min(map(str, items))}")
    return "\n".join(lines)


class _Raw:
    """Texts, names, parents and obsolete terms as the parser sees them."""

    def __init__(self, path: Path) -> None:
        self.texts: Counter[str] = Counter()
        self.labels: set[tuple[str, str]] = set()
        self.defined: set[str] = set()
        self.parents: set[tuple[str, str]] = set()
        self.obsolete: set[str] = set()
        for quad in _quads(path):
            self._add(quad)

    def _add(self, quad: Any) -> None:
        import pyoxigraph

        if not isinstance(quad.subject, pyoxigraph.NamedNode):
            return
        subject, predicate = compact(quad.subject.value), quad.predicate.value
        if isinstance(quad.object, pyoxigraph.Literal):
            self.texts[predicate] += 1
            if predicate in _LABELS:
                self.labels.add((subject, " ".join(quad.object.value.split())))
            elif predicate in _DEFINITIONS and quad.object.value.strip():
                self.defined.add(subject)
            elif predicate == _DEPRECATED and quad.object.value == "true":
                self.obsolete.add(subject)
        elif predicate == _SUBCLASS and isinstance(quad.object, pyoxigraph.NamedNode):
            self.parents.add((subject, compact(quad.object.value)))


def _quads(path: Path) -> Any:
    import pyoxigraph

    from kgbert.graph.readers.oxigraph import SYNTAXES

    source = Source(path)
    syntax = detect_format(source)
    if syntax not in SYNTAXES:
        return ()
    content = safe_xml(source) if syntax == "xml" else source.content()
    base = "http://local.invalid/"
    return pyoxigraph.parse(content, SYNTAXES[syntax], base_iri=base, lenient=True)


def _names(graph: KnowledgeGraph) -> set[tuple[str, str]]:
    ids = list(graph.entity_ids)
    owners = graph.name_entities.tolist()
    return {(ids[owner], text) for owner, text in zip(owners, graph.names, strict=True)}


def _definition(graph: KnowledgeGraph, entity: str) -> str:
    return graph.definitions[graph.index(entity)]


def _parents(graph: KnowledgeGraph) -> set[tuple[str, str]]:
    ids = list(graph.entity_ids)
    edges = zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True)
    return {
        (ids[head], ids[tail])
        for head, relation, tail in edges
        if graph.relation_ids[relation] == "rdfs:subClassOf"
    }


if __name__ == "__main__":
    main()
