"""Tasks of the linking benchmarks: graphs, texts, and a dictionary with gold names."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kgbert.data.example import Example, Span, longest
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.read import read_graph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.gold_names import unreliable_names, with_gold_names
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.stopwords import STOP_NAMES


class Gold(NamedTuple):
    """A gold mention: its span, its surface form and its gold entities."""

    start: int
    end: int
    surface: str
    entities: frozenset[str]


#: A text and its gold mentions.
Document = tuple[str, list[Gold]]


class Task(NamedTuple):
    """A graph and texts with gold spans of its entities."""

    name: str
    graph: KnowledgeGraph
    train: list[Document]
    validation: list[Document]
    test: list[Document]

    @property
    def seen(self) -> set[str]:
        """The case-folded surface forms of the training split's gold mentions."""
        return {fold_cluster(gold.surface) for _, golds in self.train for gold in golds}


def read_task(data: Path, name: str) -> Task:
    """Return a task of TASKS from a folder with tasks/ and graphs/."""
    path, read = TASKS[name]
    graph = read(data / "graphs" / path)
    parts = (_documents(data, name, part, graph) for part in ("train", "validation", "test"))
    return Task(name, graph, *parts)


def linker_with_gold_names(task: Task) -> DictionaryLinker:
    """Return the dictionary linker with names and stop names from the training split."""
    examples = examples_of(task.graph, task.train)
    graph = with_gold_names(task.graph, examples)
    misleading = unreliable_names(DictionaryLinker(graph), examples)
    return DictionaryLinker(graph, stop_names=STOP_NAMES | misleading, max_candidates=20)


def examples_of(graph: KnowledgeGraph, documents: Sequence[Document]) -> list[Example]:
    """Return documents with the longest of overlapping gold spans, one entity each."""
    return [_example(graph, *document) for document in documents]


def _example(graph: KnowledgeGraph, text: str, golds: Sequence[Gold]) -> Example:
    entities_in_graph = (
        sorted(entity for entity in gold.entities if entity in graph) for gold in golds
    )
    spans = (
        Span(gold.start, gold.end, "", next(iter(entities), ""))
        for gold, entities in zip(golds, entities_in_graph, strict=True)
    )
    return Example(text, spans=longest(spans))


def _documents(data: Path, task: str, split: str, graph: KnowledgeGraph) -> list[Document]:
    lines = (data / "tasks" / task / f"{split}.jsonl").read_text("utf8").splitlines()
    return [
        (
            record["text"],
            [
                Gold(span["start"], span["end"], span["text"], _entities(span["entity"], graph))
                for span in record["spans"]
            ],
        )
        for record in map(json.loads, lines)
    ]


def _entities(joined: str, graph: KnowledgeGraph) -> frozenset[str]:
    """Return the entity ids of a mention, with replaced ids resolved."""
    return frozenset(graph.replaced.get(entity, entity) for entity in re.split(r"[|+]", joined))


def _mesh(path: Path) -> KnowledgeGraph:
    """Read the diseases, chemicals and mental disorders of mesh_descriptors.tsv."""
    builder = GraphBuilder()
    for line in path.read_text("utf8").splitlines():
        entity, label, synonyms, trees, *_ = [*line.split("\t"), "", "", ""]
        if any(tree.startswith(("C", "D", "F03")) for tree in trees.split("|")):
            builder.add_name(entity, label)
            for synonym in synonyms.split("|"):
                builder.add_name(entity, synonym, "exact")
    return builder.build()


def _medic(path: Path) -> KnowledgeGraph:
    """Read lines of id[|other ids]||name[|synonyms]."""
    builder = GraphBuilder()
    for line in path.read_text("utf8").splitlines():
        ids, _, names = line.partition("||")
        entity, *others = ids.split("|")
        builder.replaced.update(dict.fromkeys(others, entity))
        name, *synonyms = names.split("|")
        builder.add_name(entity, name)
        for synonym in synonyms:
            builder.add_name(entity, synonym, "exact")
    return builder.build()


def _medical(read: Callable[[Path], KnowledgeGraph]) -> Callable[[Path], KnowledgeGraph]:
    """Return a reader whose graphs let linkers use the synonyms of medical words."""
    return lambda path: replace(read(path), domain="medicine")


TASKS: dict[str, tuple[str, Callable[[Path], KnowledgeGraph]]] = {
    "bc5cdr": ("mesh/mesh_descriptors.tsv", _medical(_mesh)),
    "ncbi_disease": ("medic/medic_06Jul2012.txt", _medical(_medic)),
    "gsc_hpo": ("hpo/hp.obo", _medical(read_graph)),
}
