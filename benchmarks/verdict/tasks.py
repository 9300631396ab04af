"""The tasks of the verdict benchmark: how their texts are read, and their graphs."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.diagnoses.splits import DiagnosisSplits
from benchmarks.verdict.sentences import event_sentences_of, sentences_of
from kgbert.data import Example, Span, read_examples, read_texts
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors
from kgbert.graph.merge import merge_graphs
from kgbert.graph.read import read_graph
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.tasks.base import Task as LabelledTask
from kgbert.tasks.registry import TASKS as LABELLED

#: Reads the texts of one part (train, validation, test) of a task's folder.
ReadPart = Callable[[Path, str], list[Example]]

_MESH = "mesh/mesh_diseases_chemicals.skos.ttl"

#: Labels of ChemProt with fewer training texts are dropped, so that every sample has all labels.
MIN_TRAINING_TEXTS = 100


@dataclass(frozen=True)
class Task:
    """A labelled task and its graph."""

    title: str
    splits: Callable[[Path], Callable[[int], Split]]
    """Returns the splitter of the task; called with the data folder."""
    graph: Callable[[Path, Path], KnowledgeGraph]
    """Returns the graph; called with the data folder and a cache folder."""
    task: str = "token-classification"
    """Name in kgbert's table of tasks."""
    linker: str = "dictionary"
    """Linker specification for make_linker; ``{backbone}`` is replaced by the backbone's folder."""
    epochs: int = 8
    batch_size: int = 8
    """Small, since with so few texts the number of steps matters more."""
    pooling: str = "head"
    rates: tuple[float, ...] = (1e-4, 2e-4, 4e-4)
    """Learning rates of the encoder that are tried for every arm."""
    path_steps: int = 0
    """Largest number of steps of the paths that are scored."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of KGBertConfig."""


@dataclass(frozen=True)
class SampledSplits:
    """Samples each seed's texts from the official parts; the test texts are always the same."""

    folder: Path
    read: ReadPart
    sizes: tuple[int, int, int]
    task: str
    """Name in kgbert's table of tasks."""

    def __call__(self, seed: int) -> Split:
        """Return the texts of a seed."""
        train, validation, test = self._parts
        generator = np.random.default_rng(seed)
        train_texts = _sample(train, self.sizes[0], generator)
        classes = partial(_classes, LABELLED[self.task])
        trained = frozenset[str]().union(*map(classes, train_texts))
        return Split(
            train_texts,
            [x for x in _sample(validation, self.sizes[1], generator) if classes(x) <= trained],
            [
                x
                for x in _sample(test, self.sizes[2], np.random.default_rng(0))
                if classes(x) <= trained
            ],
        )

    @cached_property
    def _parts(self) -> list[list[Example]]:
        return [self.read(self.folder, part) for part in ("train", "validation", "test")]


def _classes(task: LabelledTask, example: Example) -> frozenset[str]:
    """Return the classes of an example, of which those of events include the roles."""
    events = getattr(example.target, "events", ())
    return task.classes(example) | {role for event in events for role, _ in event.arguments}


def _sample(texts: Sequence[Example], size: int, generator: np.random.Generator) -> list[Example]:
    return [texts[index] for index in generator.permutation(len(texts))[:size]]


def _read_mentions(folder: Path, part: str) -> list[Example]:
    """Return the sentences of abstracts with labelled spans."""
    texts = read_texts(folder / f"{part}.jsonl", overlaps="longest")
    return [sentence for text in texts for sentence in sentences_of(text)]


def _read_diseases(folder: Path, part: str) -> list[Example]:
    """Return the same with all types of disease mention as one class."""
    return [
        replace(x, spans=tuple(replace(span, label="Disease") for span in x.spans))
        for x in _read_mentions(folder, part)
    ]


def _read_tagged(folder: Path, part: str) -> list[Example]:
    """Return tagged sentences; the id "12/3" is the third sentence of document 12."""
    texts = read_texts(folder / f"{part}.jsonl")
    return [replace(text, id=text.id.split("/")[0]) for text in texts]


def _read_classified(folder: Path, part: str) -> list[Example]:
    return read_texts(folder / f"{part}.jsonl")


def _read_relations(folder: Path, part: str) -> list[Example]:
    """Return sentences with two marked arguments; examples of one sentence share its id."""
    frequent = _frequent_labels(folder)
    return [x for x in _parse_relations(folder / f"{part}.jsonl") if x.target in frequent]


def _frequent_labels(folder: Path) -> set[str]:
    labels = [example.target for example in _parse_relations(folder / "train.jsonl")]
    return {label for label in labels if labels.count(label) >= MIN_TRAINING_TEXTS}


def _parse_relations(path: Path) -> Iterator[Example]:
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        (head, head_end), (tail, tail_end) = record["head"], record["tail"]
        arguments = Span(head, head_end, "head"), Span(tail, tail_end, "tail")
        yield Example(record["text"], record["label"], id=record["text"], arguments=arguments)


def _read_events(folder: Path, part: str) -> list[Example]:
    """Return the sentences of abstracts with events."""
    lines = (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = (row for line in lines for row in event_sentences_of(json.loads(line)))
    return [LABELLED["event-extraction"].read(row) for row in rows]


def _read_as(task: str) -> ReadPart:
    """Return what reads a part as kgbert reads a user's file."""
    return lambda folder, part: read_examples(folder / f"{part}.jsonl", LABELLED[task])


def _graph_file(name: str, domain: str = "") -> Callable[[Path, Path], KnowledgeGraph]:
    """Return what reads a graph; the domain decides which words the linker takes for synonyms."""
    return lambda data, cache: replace(read_graph(data / "graphs" / name), domain=domain)


def _mentioned_part_of_chebi(data: Path, cache: Path) -> KnowledgeGraph:
    """Return the entities of ChEBI that ChemProt mentions, and their ancestors.

    Encoding all 197,618 entities takes more than half an hour of one core, and the others are never
    linked. Neighbours that are neither mentioned nor ancestors are lost.
    """
    path = cache / "chebi.kgbert"
    if not path.exists():
        graph = _graph_file("chebi/chebi_triples.csv.gz", "medicine")(data, cache)
        texts = [
            text.text
            for part in ("train", "validation", "test")
            for text in _read_relations(data / "tasks" / "chemprot", part)
        ]
        linked = DictionaryLinker(graph)(texts)
        entities = {x.entity for mentions in linked for one in mentions for x in one.candidates}
        save_graph(_subgraph(graph, {graph.index(entity) for entity in entities}), path)
    return load_graph(path)


def _subgraph(graph: KnowledgeGraph, entities: set[int]) -> KnowledgeGraph:
    """Return the subgraph of some entities and their ancestors."""
    included = entities.union(*(ancestors(graph, entity) for entity in entities))
    builder = GraphBuilder()
    for index in included:
        entity = graph.entity(graph.entity_ids[index])
        builder.add_entity(entity.id, entity.definition)
        for name in entity.names:
            builder.add_name(entity.id, name.text, name.scope, name.language)
        for relation, tail in entity.edges:
            if graph.index(tail) in included:
                builder.add_edge(entity.id, relation, tail)
    return replace(builder.build(source=graph.source), domain=graph.domain)


def _genes_and_chemicals(data: Path, cache: Path) -> KnowledgeGraph:
    """Return the Gene Ontology merged with the diseases and chemicals of MeSH."""
    parts = {
        "GO": read_graph(data / "graphs" / "go" / "go.obo.gz"),
        "MeSH": read_graph(data / "graphs" / _MESH),
    }
    return replace(merge_graphs(parts), domain="medicine")


def _sampled_from(
    name: str, read: ReadPart, *sizes: int, task: str = "token-classification"
) -> Callable[[Path], SampledSplits]:
    train, validation, test = sizes
    return lambda data: SampledSplits(data / "tasks" / name, read, (train, validation, test), task)


def _further_task(
    title: str,
    name: str,
    task: str,
    sizes: tuple[int, int, int],
    graph: Callable[[Path, Path], KnowledgeGraph],
    read: ReadPart | None = None,
    **settings: Any,
) -> Task:
    """Return a task with one learning rate, whose texts are read as kgbert reads a user's file."""
    return Task(
        title,
        _sampled_from(name, read or _read_as(task), *sizes, task=task),
        graph,
        task=task,
        rates=(2e-4,),
        **settings,
    )


#: The seven tasks by name. Sizes are training, validation and test texts, chosen so that a run
#: takes about a minute of one core; small training sets are also the common case of users.
TASKS = {
    "diagnoses": Task(
        "ICD-10-CM chapters with the Human Phenotype Ontology",
        lambda data: DiagnosisSplits(400, validation=200, test=500),
        _graph_file("hpo/hp.obo", "medicine"),
        task="text-classification",
        linker="dictionary+char-ngram+description:{backbone}",
        batch_size=16,
        pooling="mean",
    ),
    "bc5cdr": Task(
        "BC5CDR chemicals and diseases with MeSH",
        _sampled_from("bc5cdr", _read_mentions, 200, 100, 500),
        _graph_file(_MESH, "medicine"),
    ),
    "ncbi_disease": Task(
        "NCBI diseases with the Disease Ontology",
        _sampled_from("ncbi_disease", _read_diseases, 200, 100, 500),
        _graph_file("doid/doid_2016-09-01.obo", "medicine"),
    ),
    "gsc_hpo": Task(
        "GSC+ phenotypes with the Human Phenotype Ontology",
        _sampled_from("gsc_hpo", _read_mentions, 200, 100, 500),
        _graph_file("hpo/hp.obo", "medicine"),
    ),
    "chemprot": Task(
        "ChemProt relations with ChEBI",
        _sampled_from("chemprot", _read_relations, 200, 100, 400, task="relation-classification"),
        _mentioned_part_of_chebi,
        task="relation-classification",
    ),
    "phrasebank": Task(
        "Financial PhraseBank with FIBO",
        _sampled_from("phrasebank", _read_classified, 200, 100, 500, task="text-classification"),
        _graph_file("fibo"),
        task="text-classification",
        pooling="mean",
    ),
    "finer_ord": Task(
        "FiNER-ORD persons, places and organisations with FIBO",
        _sampled_from("finer_ord", _read_tagged, 200, 100, 500),
        _graph_file("fibo"),
    ),
}

#: Further kinds of task by name, each with one learning rate for all arms: the default of
#: ``kgbert train``. Texts and epochs are fewer where texts are long.
FURTHER_TASKS = {
    "reuters": _further_task(
        "Reuters topics (several a text) with the STW Thesaurus for Economics",
        "reuters21578",
        "multi-label-classification",
        (200, 60, 200),
        _graph_file("stw/stw-skos.ttl.gz"),
        epochs=6,
        pooling="mean",
    ),
    "fin_sentiment": _further_task(
        "Sentiment of financial headlines and posts (a number) with FIBO",
        "fin_sentiment",
        "regression",
        (200, 100, 344),
        _graph_file("fibo"),
        pooling="mean",
    ),
    "biosses": _further_task(
        "BIOSSES similarity of two sentences (a number) with MeSH",
        "biosses",
        "regression",
        (64, 16, 20),
        _graph_file(_MESH, "medicine"),
        pooling="mean",
    ),
    "pubmedqa": _further_task(
        "PubMedQA (question and abstract) with MeSH",
        "pubmedqa",
        "text-classification",
        (150, 50, 200),
        _graph_file(_MESH, "medicine"),
        epochs=3,
        pooling="mean",
    ),
    "csqa": _further_task(
        "CommonsenseQA (five choices) with the English ConceptNet, paths scored",
        "csqa",
        "multiple-choice",
        (200, 50, 200),
        _graph_file("conceptnet_en/conceptnet_en.csv.gz"),
        epochs=3,
        pooling="mean",
        path_steps=2,
    ),
    "covidqa": _further_task(
        "COVID-QA (answers in articles) with MeSH",
        "covidqa",
        "question-answering",
        (50, 15, 40),
        _graph_file(_MESH, "medicine"),
        epochs=3,
    ),
    "bc5cdr_relations": _further_task(
        "BC5CDR (which chemical causes which disease) with MeSH",
        "bc5cdr",
        "relation-extraction",
        (60, 40, 100),
        _graph_file(_MESH, "medicine"),
        epochs=6,
    ),
    "events": _further_task(
        "BioNLP Pathway Curation (nested events) with the Gene Ontology and MeSH",
        "bionlp_pc",
        "event-extraction",
        (400, 150, 400),
        _genes_and_chemicals,
        read=_read_events,
    ),
    "translation": _further_task(
        "TICO-19 (English to French) with a glossary in both languages",
        "tico19_en_fr",
        "generation",
        (150, 30, 60),
        _graph_file("tico_terms/tico_terms_en_fr.skos.ttl"),
        epochs=3,
        # A model that has learnt little does not know when to stop.
        options={"generation": {"max_new_tokens": 64}},
    ),
}
