"""Does kgbert use the names, definitions, parents and obsolete terms that a file contains?

The other side is what obonet, csv, json and Oxigraph's parser see in the raw file, with nothing of
kgbert's vocabulary but a few properties. Every text that is not used has to be one that the report
of the graph counts, and every name, definition or parent that differs is shown:

    python -m benchmarks.graphs.literals FOLDER [--out FILE.json]
"""

import argparse
import csv
import gzip
import json
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from kgbert import GraphError, KnowledgeGraph, ReadOptions, read_graph
from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.core.options import Limits
from kgbert.graph.core.vocabulary import META_NAMESPACES, METADATA_TYPES, PROPERTY_TYPES
from kgbert.graph.files.format_detection import detect_format
from kgbert.graph.files.imports import graph_files_in
from kgbert.graph.files.safe_parsing import safe_xml
from kgbert.graph.files.source import Source

_LABELS = {expand(name) for name in ("rdfs:label", "skos:prefLabel", "skos:altLabel")}
_DEFINITIONS = {expand("skos:definition"), expand("obo:IAO_0000115")}
_PARENTS = {expand("rdfs:subClassOf"), expand("skos:broader")}
_DEPRECATED, _TYPE = expand("owl:deprecated"), expand("rdf:type")
_IS_A = frozenset(("rdfs:subClassOf", "skos:broader"))
_NO_ENTITIES = {*METADATA_TYPES, *PROPERTY_TYPES, expand("owl:AnnotationProperty")}
#: Columns and properties that a note names as not used.
_UNUSED_COLUMNS = re.compile("^columns read: .*; not used: (.*)")
_UNUSED_TEXTS = re.compile(r"^([\d,]+) texts? under (.*) not used: ")
#: Folders that hold one graph in many files.
_FOLDERS = ("fibo", "lkif_core")
#: Files without a header -> the names of their columns.
_HEADERS = {"mesh_descriptors.tsv": ("id", "name", "synonyms", "tree", "empty")}


@dataclass
class Raw:
    """What another program sees in a file."""

    texts: list[tuple[str, str, str]] = field(default_factory=list)
    """Entities, a property, tag or column, and a text under it."""
    names: set[tuple[str, str]] = field(default_factory=set)
    """Entities, and a name of each."""
    defined: set[str] = field(default_factory=set)
    """Entities with a definition."""
    parents: set[tuple[str, str]] = field(default_factory=set)
    """Entities, and the one above each."""
    obsolete: set[str] = field(default_factory=set)
    """Entities that the file calls obsolete."""
    others: set[str] = field(default_factory=set)
    """Relations, and metadata of the file, which have names too."""

    def add_text(self, entity: str, key: str, text: str) -> None:
        """Add a text in the normal form of spaces."""
        if text := " ".join(text.split()):
            self.texts.append((entity, key, text))

    def add_name(self, entity: str, text: str) -> None:
        """Add a name in the normal form of spaces."""
        if text := " ".join(text.split()):
            self.names.add((entity, text))


def main() -> None:
    """Compare every graph file below a folder, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("graphs", type=Path, help="folder of graphs")
    parser.add_argument("--out", type=Path, default=RESULTS / "graph_literals.json")
    arguments = parser.parse_args()
    rows = []
    for path in _files(arguments.graphs):
        if row := compare(path, str(path.relative_to(arguments.graphs))):
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    report = {
        "question": (__doc__ or "").splitlines()[0],
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in ("obonet", "pyoxigraph")},
        "files": rows,
    }
    # The notes name files by their paths on this machine.
    text = json.dumps(report, indent=1, ensure_ascii=False).replace(f"{arguments.graphs}/", "")
    arguments.out.write_text(text + "\n", "utf-8")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of graphs, and the folders of those that are written in many files."""
    for path in sorted(folder.iterdir()):
        if path.name in _FOLDERS:
            yield path
        elif path.is_dir():
            yield from _files(path)
        else:
            yield path


def _sources(path: Path) -> Iterator[tuple[Source, str]]:
    """Yield the sources of a graph, and the format of each."""
    for source in graph_files_in(path, Limits()) if path.is_dir() else [Source(path)]:
        with suppress(GraphError):
            yield source, detect_format(source)


def compare(path: Path, name: str) -> dict[str, Any] | None:
    """Return what a graph has of the texts and parents in its file; None for no graph."""
    sources = list(_sources(path))
    if not sources:
        return None
    raw = Raw()
    for source, format_name in sources:
        RAW_READERS[format_name](source, raw)
    # A file that only imports others has no names.
    options = ReadOptions(name_from_id=True, header=_HEADERS.get(path.name, ()))
    graph = read_graph(path, options=options, cache=None)
    known = set(graph.entity_ids)
    unnamed = raw.obsolete | raw.others | graph.replaced.keys()
    unnamed |= {entity for entity, _ in raw.names if expand(entity).startswith(META_NAMESPACES)}
    missing: dict[str, set[Any]] = {
        "entities": {entity for entity, _ in raw.names if entity not in known} - unnamed,
        "names": {pair for pair in raw.names if pair[0] in known} - _names(graph),
        "definitions": {entity for entity in raw.defined & known if not _definition(graph, entity)},
        "parents": {edge for edge in raw.parents if {*edge} <= known and edge[0] != edge[1]}
        - _parents(graph),
        "obsolete": raw.obsolete & known,
    }
    return {
        "file": name,
        "entities": len(graph),
        **_texts(graph, raw),
        **{f"missing {kind}": len(items) for kind, items in missing.items()},
        "examples": {kind: str(min(items)) for kind, items in missing.items() if items},
        "dropped edges": [list(dropped) for dropped in graph.dropped_edges],
        "notes": list(graph.notes),
    }


def _texts(graph: KnowledgeGraph, raw: Raw) -> dict[str, Any]:
    """Return how many texts of entities there are, are in the graph, and are listed as not used."""
    known = set(graph.entity_ids)
    found = _names(graph)
    found |= set(zip(graph.entity_ids, graph.definitions, strict=True))
    ids = list(graph.entity_ids)
    found |= {(ids[head], target) for head, _, target in graph.references}
    found |= {(entity, graph.version) for entity in ids}
    found |= {(new, old) for old, new in graph.replaced.items()}
    texts = [each for each in raw.texts if each[0] in known]
    absent = Counter(key for entity, key, text in texts if (entity, text) not in found)
    listed = {key: min(count, count_listed(key, graph)) for key, count in absent.items()}
    silent = absent - Counter(listed)
    return {
        "texts": len(texts),
        "in the graph": len(texts) - absent.total(),
        "listed as not used": sum(listed.values()),
        "neither": silent.total(),
        "neither, by property": dict(silent.most_common(12)),
    }


def count_listed(key: str, graph: KnowledgeGraph) -> int:
    """Return how many texts of a property, tag or column the report counts as not used."""
    count = max(graph.unused_properties.get(name, 0) for name in (key, compact(key)))
    for note in graph.notes:
        if (found := _UNUSED_COLUMNS.search(note)) and repr(key) in found[1].lower():
            return 1 << 62
        if (found := _UNUSED_TEXTS.search(note)) and compact(key) in found[2].split(", "):
            count += int(found[1].replace(",", ""))
    return count


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
        if graph.relation_ids[relation] in _IS_A
    }


def _read_rdf(source: Source, raw: Raw) -> None:
    import pyoxigraph

    from kgbert.graph.readers.oxigraph import SYNTAXES

    syntax = detect_format(source)
    content = safe_xml(source) if syntax == "xml" else source.content()
    base = "http://local.invalid/"
    for quad in pyoxigraph.parse(content, SYNTAXES[syntax], base_iri=base, lenient=True):
        if isinstance(quad.subject, pyoxigraph.NamedNode):
            is_text = isinstance(quad.object, pyoxigraph.Literal)
            is_named = isinstance(quad.object, pyoxigraph.NamedNode)
            target = quad.object.value if is_text or is_named else ""
            _add_statement(raw, quad.subject.value, quad.predicate.value, target, is_text)


def _add_statement(raw: Raw, subject: str, predicate: str, target: str, is_text: bool) -> None:
    entity = compact(subject)
    if is_text:
        raw.add_text(entity, predicate, target)
        if predicate in _LABELS:
            raw.add_name(entity, target)
        elif predicate in _DEFINITIONS and target.strip():
            raw.defined.add(entity)
        elif predicate == _DEPRECATED and target == "true":
            raw.obsolete.add(entity)
    elif predicate in _PARENTS and target:
        raw.parents.add((entity, compact(target)))
    elif predicate == _TYPE and target in _NO_ENTITIES:
        raw.others.add(entity)


def _read_obo(source: Source, raw: Raw) -> None:
    import obonet

    graph = obonet.read_obo(source.path, ignore_obsolete=False)
    for entity, tags in graph.nodes(data=True):
        for tag in tags.keys() - _OBO_IDS:
            values = tags[tag] if isinstance(tags[tag], list) else [tags[tag]]
            for text in values:
                is_quoted = tag in ("synonym", "def")
                _add_tag(entity, tag, _unquoted(text) if is_quoted else _unescaped(text), raw)
    edges = graph.edges(keys=True)
    raw.parents |= {(child, parent) for child, parent, relation in edges if relation == "is_a"}


def _add_tag(entity: str, tag: str, text: str, raw: Raw) -> None:
    if tag not in ("synonym", "def"):
        text = text.partition(" {")[0]
    if tag == "property_value":
        tag, _, value = text.partition(" ")
        text = _unquoted(value) if value[:1] == '"' else value.partition(" ")[0]
    raw.add_text(entity, tag, text)
    if tag in ("name", "synonym"):
        raw.add_name(entity, text)
    elif tag == "def" and text:
        raw.defined.add(entity)
    elif tag == "is_obsolete" and text == "true":
        raw.obsolete.add(entity)


def _unquoted(text: str) -> str:
    """Return the text between quotes at the beginning of a tag."""
    return _unescaped(text[1 : _end_of_quote(text)])


def _end_of_quote(text: str) -> int:
    match = re.match(r'"(?:[^"\\]|\\.)*"', text)
    return match.end() - 1 if match else len(text)


def _unescaped(text: str) -> str:
    spaces = {"n": " ", "W": " ", "t": " "}
    return re.sub(r"\\(.)", lambda found: spaces.get(found[1], found[1]), text)


def _read_obographs(source: Source, raw: Raw) -> None:
    for graph in json.loads(source.content())["graphs"]:
        for node in graph["nodes"]:
            _add_node(node, raw)
        for edge in graph["edges"]:
            if edge["pred"] == "is_a":
                raw.parents.add((compact(edge["sub"]), compact(edge["obj"])))


def _add_node(node: dict[str, Any], raw: Raw) -> None:
    entity, meta = compact(node["id"]), node.get("meta", {})
    names = [("lbl", node.get("lbl", ""))]
    names += [("synonyms", synonym["val"]) for synonym in meta.get("synonyms", ())]
    texts = [("rdfs:comment", comment) for comment in meta.get("comments", ())]
    texts += [(value["pred"], value["val"]) for value in meta.get("basicPropertyValues", ())]
    if "definition" in meta:
        texts.append(("definition", meta["definition"]["val"]))
        raw.defined.add(entity)
    for key, text in (*names, *texts):
        raw.add_text(entity, key, text)
    for _, text in names:
        raw.add_name(entity, text)
    if node.get("type") == "PROPERTY":
        raw.others.add(entity)
    if meta.get("deprecated"):
        raw.obsolete.add(entity)


def _read_table(source: Source, raw: Raw) -> None:
    opener = gzip.open if source.path.suffix == ".gz" else open
    is_tabbed = source.suffix not in (".csv",)
    with opener(source.path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(
            file,
            delimiter="\t" if is_tabbed else ",",
            quoting=csv.QUOTE_NONE if is_tabbed else csv.QUOTE_MINIMAL,
        )
        first = next(rows)
        header = _HEADERS.get(source.path.name, first)
        columns = {name.lower().lstrip("#"): place for place, name in enumerate(header)}
        for role, add in _TABLES.items():
            if {*role} <= columns.keys():
                for cells in rows if header is first else chain((first,), rows):
                    add(raw, {name: cells[place].strip() for name, place in columns.items()})
                return
        for cells in chain((first,), rows):
            row = dict(zip(("subject", "predicate", "object"), cells, strict=False))
            _add_row_of_triples(raw, row)


def _add_row_of_triples(raw: Raw, row: dict[str, str]) -> None:
    subject, predicate, target = row["subject"], row.get("predicate", "is_a"), row["object"]
    if predicate in ("label", "name", "rdfs:label"):
        raw.add_text(compact(expand(subject)), predicate, target)
        raw.add_name(compact(expand(subject)), target)
    elif predicate in ("is_a", "rdfs:subClassOf"):
        raw.parents.add((compact(expand(subject)), compact(expand(target))))


def _add_row_of_edges(raw: Raw, row: dict[str, str]) -> None:
    raw.parents.add((row["child"], row["parent"]))


def _add_row_of_entities(raw: Raw, row: dict[str, str]) -> None:
    entity = compact(expand(row["id"]))
    if "domainincludes" in row:
        raw.others.add(entity)
    for column, cell in row.items():
        if column not in _COLUMNS_OF_IDS:
            for text in cell.split("|") if column == "synonyms" else [cell]:
                raw.add_text(entity, column, text)
    raw.add_name(entity, row.get("name") or row.get("label", ""))
    for synonym in row.get("synonyms", "").split("|"):
        raw.add_name(entity, synonym)
    if row.get("definition") or row.get("comment"):
        raw.defined.add(entity)


def _add_translation(raw: Raw, row: dict[str, str]) -> None:
    raw.add_text(row["subject_id"], row["predicate_id"], row["translation_value"])
    if row["predicate_id"] == "rdfs:label":
        raw.add_name(row["subject_id"], row["translation_value"])
    elif row["predicate_id"] in ("IAO:0000115", "obo:IAO_0000115"):
        raw.defined.add(row["subject_id"])


def _read_dictionary(source: Source, raw: Raw) -> None:
    for line in source.content().decode().splitlines():
        ids, _, names = line.partition("||")
        for name in names.split("|"):
            raw.add_text(ids.split("|")[0], "names", name)
            raw.add_name(ids.split("|")[0], name)


#: Tags of OBO whose values are ids or codes.
_OBO_IDS = frozenset(
    ("is_a", "relationship", "xref", "alt_id", "intersection_of", "union_of", "replaced_by")
)
_COLUMNS_OF_IDS = frozenset(
    ("id", "tree", "subtypeof", "enumerationtype", "equivalentclass", "supersededby")
)
#: Columns that tell what a table contains -> the function that adds a row.
_TABLES: dict[tuple[str, ...], Callable[[Raw, dict[str, str]], None]] = {
    ("subject_id", "predicate_id", "translation_value"): _add_translation,
    ("subject", "predicate", "object"): _add_row_of_triples,
    ("child", "parent"): _add_row_of_edges,
    ("id", "name"): _add_row_of_entities,
    ("id", "label"): _add_row_of_entities,
}
#: Format -> the function that reads it without kgbert.
RAW_READERS: dict[str, Callable[[Source, Raw], None]] = {
    **dict.fromkeys(("turtle", "xml", "nt", "nquads", "json-ld"), _read_rdf),
    "obo": _read_obo,
    "obographs": _read_obographs,
    "table": _read_table,
    "dictionary": _read_dictionary,
}

if __name__ == "__main__":
    main()
