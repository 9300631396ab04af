"""The tasks of verdict.py: how their texts are read, and which graph belongs to them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.verdict.sentences import sentences_of
from kgbert.data import Example, Span, read_texts
from kgbert.data.splits import Split
from kgbert.demo.diagnoses import DiagnosisSplits
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors
from kgbert.graph.read import read_graph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker

#: Reads the texts of one part (train, validation, test) of a task's folder.
ReadPart = Callable[[Path, str], list[Example]]

#: Labels of ChemProt with fewer training texts are left out, so that no draw lacks one.
FEWEST = 100


@dataclass(frozen=True)
class Task:
    """A labelled task and the graph that may help it."""

    title: str
    splits: Callable[[Path], Callable[[int], Split]]
    """The texts of a seed; called with the folder of all data."""
    graph: Callable[[Path, Path], KnowledgeGraph]
    """Called with the folder of all data, and one that things may be kept in."""
    linker: str = "dictionary"
    """As make_linker takes it; ``{backbone}`` stands for the folder of the backbone."""
    epochs: int = 8
    batch_size: int = 8
    """Small: with so few texts it is the number of steps that an arm needs, not of texts a step."""
    pooling: str = "head"


@dataclass(frozen=True)
class DrawnParts:
    """Draws each seed's texts from the official parts; the test texts are always the same."""

    folder: Path
    read: ReadPart
    sizes: tuple[int, int, int]

    def __call__(self, seed: int) -> Split:
        """Return the texts of a seed."""
        train, validation, test = self._parts
        generator = np.random.default_rng(seed)
        chosen = _drawn(train, self.sizes[0], generator)
        known = {label for text in chosen for label in _labels(text)}
        return Split(
            chosen,
            [x for x in _drawn(validation, self.sizes[1], generator) if _labels(x) <= known],
            [
                x
                for x in _drawn(test, self.sizes[2], np.random.default_rng(0))
                if _labels(x) <= known
            ],
        )

    @cached_property
    def _parts(self) -> list[list[Example]]:
        return [self.read(self.folder, part) for part in ("train", "validation", "test")]


def _drawn(texts: Sequence[Example], size: int, generator: np.random.Generator) -> list[Example]:
    return [texts[place] for place in generator.permutation(len(texts))[:size]]


def _labels(text: Example) -> set[str]:
    return {text.label, *(span.label for span in text.spans)}


def _mentions(folder: Path, part: str) -> list[Example]:
    """Return the sentences of abstracts with labelled spans."""
    texts = read_texts(folder / f"{part}.jsonl", overlaps="longest")
    return [sentence for text in texts for sentence in sentences_of(text)]


def _diseases(folder: Path, part: str) -> list[Example]:
    """Return the same with all kinds of disease mention as one class."""
    return [
        replace(x, spans=tuple(replace(span, label="Disease") for span in x.spans))
        for x in _mentions(folder, part)
    ]


def _tagged(folder: Path, part: str) -> list[Example]:
    """Return tagged sentences, whose id "12/3" is the third sentence of document 12."""
    texts = read_texts(folder / f"{part}.jsonl")
    return [replace(text, id=text.id.split("/")[0]) for text in texts]


def _texts(folder: Path, part: str) -> list[Example]:
    return read_texts(folder / f"{part}.jsonl")


def _relations(folder: Path, part: str) -> list[Example]:
    """Return sentences with the two arguments of a relation; those of one sentence share its id."""
    frequent = _frequent_labels(folder)
    return [x for x in _related(folder / f"{part}.jsonl") if x.label in frequent]


def _frequent_labels(folder: Path) -> set[str]:
    labels = [example.label for example in _related(folder / "train.jsonl")]
    return {label for label in labels if labels.count(label) >= FEWEST}


def _related(path: Path) -> Iterator[Example]:
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        arguments = Span(*record["head"], "head"), Span(*record["tail"], "tail")
        yield Example(record["text"], record["label"], id=record["text"], arguments=arguments)


def _file(name: str) -> Callable[[Path, Path], KnowledgeGraph]:
    return lambda data, kept: read_graph(data / "graphs" / name)


def _mentioned_chebi(data: Path, kept: Path) -> KnowledgeGraph:
    """Return what ChemProt mentions of ChEBI, and all that is above it: 197,618 terms are too many.

    Encoding them takes half an hour and more of one core, and no arm could tell the difference:
    nothing else is ever linked. Neighbours that no text mentions and that are above none are lost.
    """
    path = kept / "chebi.kgbert"
    if not path.exists():
        graph = read_graph(data / "graphs" / "chebi" / "chebi_triples.csv.gz")
        texts = [
            text.text
            for part in ("train", "validation", "test")
            for text in _relations(data / "tasks" / "chemprot", part)
        ]
        found = DictionaryLinker(graph)(texts)
        entities = {x.entity for mentions in found for one in mentions for x in one.candidates}
        save_graph(_part_of(graph, {graph.index(entity) for entity in entities}), path)
    return load_graph(path)


def _part_of(graph: KnowledgeGraph, entities: set[int]) -> KnowledgeGraph:
    """Return some entities, all that is above them, and the edges between these."""
    kept = entities.union(*(ancestors(graph, entity) for entity in entities))
    builder = GraphBuilder()
    for index in kept:
        entity = graph.entity(graph.entity_ids[index])
        builder.add_entity(entity.id, entity.definition)
        for name in entity.names:
            builder.add_name(entity.id, name.text, name.scope, name.language)
        for relation, tail in entity.edges:
            if graph.index(tail) in kept:
                builder.add_edge(entity.id, relation, tail)
    return builder.build(source=graph.source)


def _drawn_from(name: str, read: ReadPart, *sizes: int) -> Callable[[Path], DrawnParts]:
    train, validation, test = sizes
    return lambda data: DrawnParts(data / "tasks" / name, read, (train, validation, test))


#: The tasks by name. Sizes are training, validation and test texts, such that a run takes about a
#: minute of one core: the small end of the learning curve is where users' own tasks live.
TASKS = {
    "demo": Task(
        "ICD-10-CM chapters with the Human Phenotype Ontology",
        lambda data: DiagnosisSplits(400, validation=200, test=500),
        _file("hpo/hp.obo"),
        linker="dictionary+nearest+description:{backbone}",
        batch_size=16,
        pooling="mean",
    ),
    "bc5cdr": Task(
        "BC5CDR chemicals and diseases with MeSH",
        _drawn_from("bc5cdr", _mentions, 200, 100, 500),
        _file("mesh/mesh_diseases_chemicals.skos.ttl"),
    ),
    "ncbi_disease": Task(
        "NCBI diseases with the Disease Ontology",
        _drawn_from("ncbi_disease", _diseases, 200, 100, 500),
        _file("doid/doid_2016-09-01.obo"),
    ),
    "gsc_hpo": Task(
        "GSC+ phenotypes with the Human Phenotype Ontology",
        _drawn_from("gsc_hpo", _mentions, 200, 100, 500),
        _file("hpo/hp.obo"),
    ),
    "chemprot": Task(
        "ChemProt relations with ChEBI",
        _drawn_from("chemprot", _relations, 200, 100, 400),
        _mentioned_chebi,
    ),
    "phrasebank": Task(
        "Financial PhraseBank with FIBO",
        _drawn_from("phrasebank", _texts, 200, 100, 500),
        _file("fibo"),
        pooling="mean",
    ),
    "finer_ord": Task(
        "FiNER-ORD persons, places and organisations with FIBO",
        _drawn_from("finer_ord", _tagged, 200, 100, 500),
        _file("fibo"),
    ),
}
