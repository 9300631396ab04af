"""The pairs of domains of the transfer benchmark: source and target with their graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from pathlib import Path

from benchmarks.verdict.tasks import FURTHER_TASKS, TASKS, ReadPart, SampledSplits, Task
from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.read import read_graph
from kgbert.graph.storage.builder import GraphBuilder

#: Selects or changes the texts of a part.
Select = Callable[[Sequence[Example], str], list[Example]]


@dataclass(frozen=True)
class Domain:
    """Labelled texts and a graph."""

    task: Task
    """The task of the verdict benchmark, which has the texts."""
    graph: Callable[[Path], KnowledgeGraph]
    """Returns the graph; called with the data folder."""
    select: Select = lambda texts, part: list(texts)

    def splits(self, data: Path, sizes: tuple[int, int, int]) -> SampledSplits:
        """Return the splitter with numbers of training, validation and test texts."""
        splits = self.task.splits(data)
        assert isinstance(splits, SampledSplits)
        return replace(splits, sizes=sizes, read=self._reader(splits.read))

    def _reader(self, read: ReadPart) -> ReadPart:
        return lambda folder, part: self.select(read(folder, part), part)


@dataclass(frozen=True)
class Transfer:
    """A model of the source is asked with the target's graph, and trained further there."""

    title: str
    source: Domain
    target: Domain

    @property
    def keeps_labels(self) -> bool:
        """Whether the model of the source can answer for texts of the target."""
        return self.source.task.task == self.target.task.task


def _graph_of(task: Task) -> Callable[[Path], KnowledgeGraph]:
    return lambda data: task.graph(data, data)


def _french_phenotypes(data: Path) -> KnowledgeGraph:
    """Return the Human Phenotype Ontology with its French names and definitions only."""
    english = TASKS["gsc_hpo"].graph(data, data)
    french = read_graph(data / "graphs" / "hpo_fr" / "hp-fr.babelon.tsv.gz")
    builder = GraphBuilder()
    for entity in map(french.entity, french.entity_ids):
        builder.add_entity(entity.id, entity.definition)
        for name in entity.names:
            builder.add_name(entity.id, name.text, name.scope, name.language)
        own_edges = english.entity(entity.id).edges if entity.id in english else ()
        for relation, tail in own_edges:
            if tail in french:
                builder.add_edge(entity.id, relation, tail)
    return replace(builder.build(source="hp-fr.babelon.tsv.gz"), domain=english.domain)


def _economics(data: Path) -> KnowledgeGraph:
    options = ReadOptions(languages=("en",))
    return read_graph(data / "graphs" / "stw" / "stw-skos.ttl.gz", options=options)


def _diseases(texts: Sequence[Example], part: str) -> list[Example]:
    """Return the texts without the mentions of other types."""
    return [
        replace(text, spans=tuple(span for span in text.spans if span.label == "Disease"))
        for text in texts
    ]


def _half(which: int) -> Select:
    """Return what selects one half of the training documents, by a hash of their ids."""

    def select(texts: Sequence[Example], part: str) -> list[Example]:
        if part != "train":
            return list(texts)
        return [text for text in texts if sha1(text.id.encode()).digest()[0] % 2 == which]

    return select


_MESH, _HPO, _FIBO = (_graph_of(TASKS[name]) for name in ("bc5cdr", "gsc_hpo", "phrasebank"))

#: The pairs by name, the shortest first.
TRANSFERS = {
    "finance": Transfer(
        "Financial PhraseBank with FIBO, then financial posts and headlines with the STW Thesaurus",
        Domain(TASKS["phrasebank"], _FIBO),
        Domain(FURTHER_TASKS["fin_sentiment"], _economics),
    ),
    "phenotypes": Transfer(
        "GSC+ with the English HPO, then other documents of GSC+ with the French HPO",
        Domain(TASKS["gsc_hpo"], _HPO, _half(0)),
        Domain(TASKS["gsc_hpo"], _french_phenotypes, _half(1)),
    ),
    "diseases": Transfer(
        "NCBI diseases with the Disease Ontology, then BC5CDR diseases with MeSH",
        Domain(TASKS["ncbi_disease"], _graph_of(TASKS["ncbi_disease"])),
        Domain(TASKS["bc5cdr"], _MESH, _diseases),
    ),
}
