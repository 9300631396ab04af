"""Collect entities, names and edges in any order, and put them into a graph's columns."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice

import numpy as np

from kgbert.graph.columns import StringColumn
from kgbert.graph.graph import SCOPES, KnowledgeGraph
from kgbert.graph.references import Origins, References, Sources
from kgbert.graph.triples import Rows, Triples

Edge = tuple[str, str, str]

#: Edges into other graphs that are kept; a part cut out of Wikidata has many times as many.
MOST_REFERENCES = 1_000_000


class GraphBuilder:
    """What every reader fills.

    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> builder.add_name("HP:2", "Symptom")
    >>> builder.add_edge("HP:1", "rdfs:subClassOf", "HP:2")
    >>> graph = builder.build(source="example")
    >>> graph.entity("HP:1").edges
    (('rdfs:subClassOf', 'HP:2'),)
    """

    def __init__(self) -> None:
        self.entities: dict[str, str] = {}
        self.names: set[tuple[str, int, str, str]] = set()
        self.edges = Triples()
        self.references: set[Edge] = set()
        self.sources: dict[str | Edge, Sources] = {}
        self.relations: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        self.version = ""
        self.licence = ""

    def add_entity(self, entity_id: str, definition: str = "") -> None:
        """Declare an entity; of several definitions the first in code-point order is kept."""
        known = self.entities.setdefault(entity_id, "")
        if not definition:
            return
        definition = " ".join(definition.split())
        self.entities[entity_id] = min(filter(None, (known, definition)), default="")

    def add_name(
        self, entity_id: str, text: str, scope: str = "preferred", language: str = ""
    ) -> None:
        """Declare an entity by one of its names; white space is trimmed, empty names ignored."""
        self.entities.setdefault(entity_id, "")
        if text := " ".join(text.split()):
            self.names.add((entity_id, SCOPES.index(scope), language, text))

    def add_edge(self, head: str, relation: str, tail: str) -> None:
        """Add an edge; one to what is never declared is noted, and becomes a reference."""
        self.relations.setdefault(relation, "")
        self.edges.add(head, relation, tail)

    def add_reference(self, head: str, relation: str, tail: str) -> None:
        """Add what an entity has to do with one of another graph."""
        self.references.add((head, relation, tail))

    def add_sources(self, part: str | Edge, sources: Sources) -> None:
        """Remember that an entity (by its id) or an edge comes from some of several sources."""
        self.sources[part] = tuple(dict.fromkeys((*self.sources.get(part, ()), *sources)))

    def add_relation(self, relation: str, name: str) -> None:
        """Give a relation a readable name."""
        self.relations[relation] = name

    def note(self, text: str) -> None:
        """Remember something the user should hear; equal notes are counted."""
        self.notes[text] += 1

    def absorb(self, other: "GraphBuilder") -> None:
        """Add everything that another builder holds."""
        for entity, definition in other.entities.items():
            self.add_entity(entity, definition)
        self.names |= other.names
        self.edges.absorb(other.edges)
        self.references |= other.references
        for part, sources in other.sources.items():
            self.add_sources(part, sources)
        self.relations.update({key: name for key, name in other.relations.items() if name})
        for relation in other.relations:
            self.relations.setdefault(relation, "")
        self.replaced.update(other.replaced)
        self.notes += other.notes
        self.version = self.version or other.version
        self.licence = self.licence or other.licence

    def build(self, *, source: str = "") -> KnowledgeGraph:
        """Return the graph in its canonical order."""
        ids = sorted(self.entities)
        index = {entity_id: position for position, entity_id in enumerate(ids)}
        # Not said and English come first, so that the best name of an entity is one of them.
        languages = sorted(
            {language for _, _, language, _ in self.names} | {""}, key=_english_first
        )
        tongues = {language: position for position, language in enumerate(languages)}
        names = sorted(
            (index[entity], scope, tongues[language], text)
            for entity, scope, language, text in self.names
        )
        edges, relations = self.edges.positions(index)
        self._lead_out(len(edges), index)
        return KnowledgeGraph(
            entity_ids=StringColumn.of(ids),
            definitions=StringColumn.of(self.entities[entity_id] for entity_id in ids),
            names=StringColumn.of(text for *_, text in names),
            name_entities=np.array([entity for entity, *_ in names], np.int32),
            name_scopes=np.array([scope for _, scope, *_ in names], np.uint8),
            name_languages=np.array([tongue for _, _, tongue, _ in names], np.uint16),
            languages=tuple(languages),
            heads=np.ascontiguousarray(edges[:, 0]),
            relations=np.ascontiguousarray(edges[:, 1]),
            tails=np.ascontiguousarray(edges[:, 2]),
            relation_ids=tuple(relations),
            relation_names=tuple(self.relations[relation] or relation for relation in relations),
            source=source,
            version=self.version,
            licence=self.licence,
            replaced=dict(sorted(self.replaced.items())),
            notes=tuple(
                text if count == 1 else f"{text} ({count:,} times)"
                for text, count in self.notes.items()
            ),
            references=References.of(
                (index[head], relation, tail)
                for head, relation, tail in self.references
                if head in index
            ),
            origins=self._origins(ids, edges, relations),
        )

    def _lead_out(self, kept: int, index: Mapping[str, int]) -> None:
        """Note the edges that are none of this graph, and keep those that may be of another."""
        if dangling := len(self.edges) - kept:
            self.notes[f"{dangling:,} edges dropped: an end of theirs is not an entity here"] += 1
            self.references.update(islice(self.edges.beyond(index), MOST_REFERENCES))

    def _origins(self, ids: list[str], edges: Rows, relations: list[str]) -> Origins | None:
        if not self.sources:
            return None
        return Origins.of(
            [self.sources.get(entity, ()) for entity in ids],
            [
                self.sources.get((ids[head], relations[relation], ids[tail]), ())
                for head, relation, tail in edges.tolist()
            ],
        )


def _english_first(language: str) -> tuple[bool, bool, str]:
    return language != "", language != "en", language
