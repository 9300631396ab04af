"""Collect entities, names and edges in any order, and put them into a graph's columns."""

from collections import Counter

import numpy as np

from kgbert.graph.columns import StringColumn
from kgbert.graph.graph import SCOPES, KnowledgeGraph


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
        self.edges: set[tuple[str, str, str]] = set()
        self.relations: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        self.version = ""
        self.licence = ""

    def add_entity(self, entity_id: str, definition: str = "") -> None:
        """Declare an entity; of several definitions the first in code-point order is kept."""
        known = self.entities.get(entity_id, "")
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
        """Add an edge; one whose ends are never declared is dropped and noted by build()."""
        self.relations.setdefault(relation, "")
        self.edges.add((head, relation, tail))

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
        self.edges |= other.edges
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
        kept = [edge for edge in self.edges if edge[0] in index and edge[2] in index]
        if dangling := len(self.edges) - len(kept):
            self.notes[f"{dangling:,} edges dropped: an end of theirs is not an entity here"] += 1
        relations = sorted({relation for _, relation, _ in kept})
        order = {relation: position for position, relation in enumerate(relations)}
        heads = np.array([index[head] for head, _, _ in kept], np.int32)
        kinds = np.array([order[relation] for _, relation, _ in kept], np.int32)
        tails = np.array([index[tail] for _, _, tail in kept], np.int32)
        place = np.lexsort((tails, kinds, heads))
        return KnowledgeGraph(
            entity_ids=StringColumn.of(ids),
            definitions=StringColumn.of(self.entities[entity_id] for entity_id in ids),
            names=StringColumn.of(text for *_, text in names),
            name_entities=np.array([entity for entity, *_ in names], np.int32),
            name_scopes=np.array([scope for _, scope, *_ in names], np.uint8),
            name_languages=np.array([tongue for _, _, tongue, _ in names], np.uint16),
            languages=tuple(languages),
            heads=heads[place],
            relations=kinds[place],
            tails=tails[place],
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
        )


def _english_first(language: str) -> tuple[bool, bool, str]:
    return language != "", language != "en", language
