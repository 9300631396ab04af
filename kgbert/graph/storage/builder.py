"""Collect entities, names and edges in any order, and put them into a graph's columns."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from itertools import islice

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.graph.core.provenance import Origins, References, Sources
from kgbert.graph.storage.name_set import NameSet, normalize_spaces
from kgbert.graph.storage.row_set import Columns
from kgbert.graph.storage.string_pool import IndexArray, StringPool
from kgbert.graph.storage.triple_set import TripleSet
from kgbert.reporting.formatting import counted

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

    def __init__(self, terms: StringPool | None = None) -> None:
        """Begin with nothing; ``terms`` may be shared with what is moved here later."""
        self.terms = StringPool() if terms is None else terms
        self.entities: dict[str, str] = {}
        self.names = NameSet(self.terms)
        self.edges = TripleSet(terms=self.terms)
        self.references = TripleSet(terms=self.terms)
        self.sources: dict[str | Edge, Sources] = {}
        self.relations: dict[str, str] = {}
        # Relation -> those that it is a kind of; reading makes use of it, the graph holds none.
        self.kinds: defaultdict[str, set[str]] = defaultdict(set)
        self.replaced: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        # What the options do not ask for is counted, not held: languages, and relations.
        self.skipped_languages: Counter[str] = Counter()
        self.skipped_relations: Counter[str] = Counter()
        # How many names are under the property that the options name.
        self.custom_label_count = 0
        self.version = ""
        self.licence = ""

    def add_entity(self, entity_id: str, definition: str = "") -> None:
        """Declare an entity; of several definitions the first in code-point order is kept."""
        self.add_entities((entity_id,), normalize_spaces([definition]))

    def add_entities(self, entity_ids: Iterable[str], definitions: Iterable[str]) -> None:
        """Declare entities with their definitions, whose white space is trimmed already."""
        entities = self.entities
        for entity_id, definition in zip(entity_ids, definitions, strict=True):
            known = entities.setdefault(entity_id, definition)
            if known is not definition and (not known or "" < definition < known):
                entities[entity_id] = definition

    def add_name(
        self, entity_id: str, text: str, scope: str = "preferred", language: str = ""
    ) -> None:
        """Declare an entity by one of its names; white space is trimmed, empty names ignored."""
        self.entities.setdefault(entity_id, "")
        self.names.add(entity_id, SCOPES.index(scope), language, text)

    def add_edge(self, head: str, relation: str, tail: str) -> None:
        """Add an edge; one to what is never declared is noted, and becomes a reference."""
        self.relations.setdefault(relation, "")
        self.edges.add(head, relation, tail)

    def add_reference(self, head: str, relation: str, tail: str) -> None:
        """Add what an entity has to do with one of another graph."""
        self.references.add(head, relation, tail)

    def add_sources(self, part: str | Edge, sources: Sources) -> None:
        """Remember that an entity (by its id) or an edge comes from some of several sources."""
        self.sources[part] = tuple(dict.fromkeys((*self.sources.get(part, ()), *sources)))

    def add_relation(self, relation: str, name: str) -> None:
        """Give a relation a readable name."""
        self.relations[relation] = name

    def add_subproperty(self, relation: str, general: str) -> None:
        """Say that a relation is a kind of another: who asks for that one gets it too."""
        self.kinds[relation].add(general)

    def remove(self, entity_ids: Set[str]) -> None:
        """Remove entities, their names and the edges that start at them."""
        if not entity_ids:
            return
        for entity_id in entity_ids:
            self.entities.pop(entity_id, None)
        others = ~self.terms.mask_of(entity_ids)
        self.names.keep_owners(others)
        self.edges.keep_heads(others)
        self.references.keep_heads(others)

    def note(self, text: str) -> None:
        """Remember something the user should hear; equal notes are counted."""
        self.notes[text] += 1

    def take_over(self, other: "GraphBuilder") -> None:
        """Move everything that another builder holds here."""
        self.add_entities(other.entities.keys(), other.entities.values())
        self.names.take_over(other.names)
        self.edges.take_over(other.edges)
        self.references.take_over(other.references)
        for part, sources in other.sources.items():
            self.add_sources(part, sources)
        self.relations.update({key: name for key, name in other.relations.items() if name})
        for relation in other.relations:
            self.relations.setdefault(relation, "")
        for relation, above in other.kinds.items():
            self.kinds[relation] |= above
        self.replaced.update(other.replaced)
        self.notes += other.notes
        self.skipped_languages += other.skipped_languages
        self.skipped_relations += other.skipped_relations
        self.custom_label_count += other.custom_label_count
        self.version = self.version or other.version
        self.licence = self.licence or other.licence

    def build(self, *, source: str = "") -> KnowledgeGraph:
        """Return the graph in its canonical order."""
        ids = sorted(self.entities)
        places = self.terms.places(ids)
        names = self.names.columns(places)
        edges, relations = self.edges.columns(places, places)
        self._separate_references(len(edges[0]))
        return KnowledgeGraph(
            entity_ids=StringColumn.of(ids),
            definitions=StringColumn.of(map(self.entities.__getitem__, ids)),
            names=names.texts,
            name_entities=names.owners,
            name_scopes=names.scopes,
            name_languages=names.languages,
            languages=names.spoken,
            heads=edges[0],
            relations=edges[1],
            tails=edges[2],
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
            references=self._reference_columns(places),
            origins=self._origins(ids, edges, relations),
        )

    def _separate_references(self, kept: int) -> None:
        """Note the edges that are none of this graph, and keep those that may be of another."""
        if dangling := len(self.edges) - kept:
            self.notes[
                f"{counted(dangling, 'edge')} dropped: an end of theirs is not an entity here"
            ] += 1
            known = self.terms.mask_of(self.entities.keys())
            self.references.update(islice(self.edges.leaving(known), MOST_REFERENCES))

    def _reference_columns(self, places: IndexArray) -> References:
        tails, tail_places = self.terms.sorted_strings(self.references.used(2))
        (heads, relations, ends), names = self.references.columns(places, tail_places)
        return References(
            heads, relations, StringColumn.of(map(tails.__getitem__, ends.tolist())), tuple(names)
        )

    def _origins(self, ids: list[str], edges: Columns, relations: list[str]) -> Origins | None:
        if not self.sources:
            return None
        heads, kinds, tails = (column.tolist() for column in edges)
        return Origins.of(
            [self.sources.get(entity, ()) for entity in ids],
            [
                self.sources.get((ids[head], relations[relation], ids[tail]), ())
                for head, relation, tail in zip(heads, kinds, tails, strict=True)
            ],
        )
