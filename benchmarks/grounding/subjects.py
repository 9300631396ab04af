"""Documents with the entities that they mention as labels, and the graphs of these entities."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.graph.read import read_graph

#: Graph file, and training, validation and test texts of each corpus.
CORPORA = {
    "bc5cdr": ("mesh/mesh_diseases_chemicals.skos.ttl", (200, 100, 200)),
    "ncbi_disease": ("doid/doid_2016-09-01.obo", (200, 100, 100)),
    "gsc_hpo": ("hpo/hp.obo", (110, 48, 70)),
}

_MESH = "http://id.nlm.nih.gov/mesh/"


@dataclass(frozen=True)
class Corpus:
    """Documents, and the graph whose entities are all declared as labels."""

    name: str
    data: Path

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """The graph."""
        return replace(read_graph(self._graph_file), domain="medicine")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels: all entities of the graph that have a name."""
        graph = self.graph
        return tuple(x for place, x in enumerate(graph.entity_ids) if any(graph.names_of(place)))

    def split(self, seed: int) -> Split:
        """Return training and validation texts that a seed draws, and the fixed test texts."""
        train, validation, test = CORPORA[self.name][1]
        pool = [*self._texts("train"), *self._texts("validation")]
        order = np.random.default_rng(seed).permutation(len(pool)).tolist()
        held_out = self._texts("test")
        scored = np.random.default_rng(0).permutation(len(held_out))[:test].tolist()
        return Split(
            [pool[place] for place in order[:train]],
            [pool[place] for place in order[train : train + validation]],
            [held_out[place] for place in scored],
        )

    @property
    def _graph_file(self) -> Path:
        return self.data / "graphs" / CORPORA[self.name][0]

    def _texts(self, part: str) -> list[Example]:
        lines = (self.data / "tasks" / self.name / f"{part}.jsonl").open(encoding="utf-8")
        return [
            Example(record["text"], tuple(sorted(self._gold(record))), id=record["id"])
            for record in map(json.loads, lines)
        ]

    def _gold(self, record: Mapping[str, list[dict[str, str]]]) -> set[str]:
        """Return the entities of the graph that the annotated mentions name."""
        names = {x for span in record["spans"] for x in re.split(r"[|+]", span.get("entity", ""))}
        return {entity for x in names if (entity := self._entity(x)) in self._known}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.labels)

    def _entity(self, identifier: str) -> str | None:
        if self.name == "ncbi_disease":
            return self._references.get(identifier)
        prefix = _MESH if self.name == "bc5cdr" else ""
        return self._ids.find(prefix + identifier) if identifier else None

    @cached_property
    def _ids(self) -> EntityIdIndex:
        return EntityIdIndex(self.graph)

    @cached_property
    def _references(self) -> dict[str, str]:
        """The term of each MeSH or OMIM id that exactly one term of the Disease Ontology names."""
        terms: dict[str, set[str]] = {}
        for identifier, reference in self._cross_references():
            if (entity := self._ids.find(identifier)) is not None:
                terms.setdefault(reference, set()).add(entity)
        return {reference: min(found) for reference, found in terms.items() if len(found) == 1}

    def _cross_references(self) -> Iterator[tuple[str, str]]:
        term = ""
        for line in self._graph_file.open(encoding="utf-8"):
            if line.startswith("id: "):
                term = line.removeprefix("id: ").strip()
            if found := re.match(r"xref: (?:MESH:|(?=OMIM:))(\S+)", line):
                yield term, found[1]
