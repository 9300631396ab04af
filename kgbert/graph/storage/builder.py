"""Collect entities, names and edges in any order, and build a graph of them."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Set
from itertools import islice

import numpy as np

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import HIERARCHICAL, SCOPES, KnowledgeGraph
from kgbert.graph.core.provenance import Origins, References, Sources
from kgbert.graph.storage.name_set import NameSet, normalize_spaces
from kgbert.graph.storage.row_set import Columns
from kgbert.graph.storage.string_pool import IndexArray, StringPool
from kgbert.graph.storage.triple_set import TripleSet
from kgbert.reporting.formatting import counted

Edge = tuple[str, str, str]

#: Relations from more special to more general entities, or between equal ones: an edge of these
#: from an entity to itself states nothing.
_IRREFLEXIVE = frozenset((*HIERARCHICAL, "owl:equivalentClass", "owl:sameAs", "skos:exactMatch"))
#: Most references to other graphs that are kept; a subset of Wikidata has many more.
MOST_REFERENCES = 1_000_000


class GraphBuilder:
    """Collects the output of readers, and builds the graph.

    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> builder.add_name("HP:2", "Symptom")
    >>> builder.add_edge("HP:1", "rdfs:subClassOf", "HP:2")
    >>> graph = builder.build(source="example")
    >>> graph.entity("HP:1").edges
    (('rdfs:subClassOf', 'HP:2'),)
    """

    def __init__(self, terms: StringPool | None = None) -> None:
        """Create an empty builder; it can share ``terms`` with sets that are moved here later."""
        self.terms = StringPool() if terms is None else terms
        self.entities: dict[str, str] = {}
        self.names = NameSet(self.terms)
        self.edges = TripleSet(terms=self.terms)
        self.references = TripleSet(terms=self.terms)
        self.sources: dict[str | Edge, Sources] = {}
        self.relations: dict[str, str] = {}
        # Relation -> its super-properties; only reading uses them, the graph does not store them.
        self.superproperties: defaultdict[str, set[str]] = defaultdict(set)
        self.replaced: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        # Numbers of excluded names by language, and of excluded edges by relation.
        self.skipped_languages: Counter[str] = Counter()
        self.skipped_relations: Counter[str] = Counter()
        self.unused_properties: Counter[str] = Counter()
        # Reason -> number of dropped edges and an example.
        self.dropped_edges: dict[str, tuple[int, str]] = {}
        # Option that names a property -> number of texts under it.
        self.option_counts: Counter[str] = Counter()
        self.version = ""
        self.licence = ""

    def add_entity(self, entity_id: str, definition: str = "") -> None:
        """Add an entity; it keeps the first of several definitions."""
        self.add_entities((entity_id,), normalize_spaces([definition]))

    def add_entities(
        self, entity_ids: Iterable[str], definitions: Iterable[str], tag: str = "definition"
    ) -> None:
        """Add entities with definitions whose white space is already normalized.

        Definitions beside another one are counted as unused under their property ``tag``.
        """
        entities, unused = self.entities, 0
        for entity_id, definition in zip(entity_ids, definitions, strict=True):
            known = entities.setdefault(entity_id, definition)
            if known is not definition and definition:
                if not known:
                    entities[entity_id] = definition
                unused += known not in ("", definition)
        if unused:
            self.unused_properties[tag] += unused

    def add_name(
        self, entity_id: str, text: str, scope: str = "preferred", language: str = ""
    ) -> None:
        """Add a name and its entity; white space is trimmed, empty names are ignored.

        Only the first preferred name in a language stays preferred; others become exact synonyms.
        """
        self.entities.setdefault(entity_id, "")
        self.names.add(entity_id, SCOPES.index(scope), language, text)

    def add_edge(self, head: str, relation: str, tail: str) -> None:
        """Add an edge; if its tail is never added as an entity, it becomes a reference."""
        self.relations.setdefault(relation, "")
        self.edges.add(head, relation, tail)

    def add_reference(self, head: str, relation: str, tail: str) -> None:
        """Add a statement about an entity of this graph and one of another graph."""
        self.references.add(head, relation, tail)

    def add_sources(self, part: str | Edge, sources: Sources) -> None:
        """Add sources of an entity (by its id) or of an edge."""
        self.sources[part] = tuple(dict.fromkeys((*self.sources.get(part, ()), *sources)))

    def add_relation(self, relation: str, name: str) -> None:
        """Add a relation with a readable name."""
        self.relations[relation] = name

    def add_subproperty(self, relation: str, general: str) -> None:
        """Add a sub-property of a relation; a selection of the relation includes it."""
        self.superproperties[relation].add(general)

    def drop_edges(self, reason: str, count: int, example: str) -> None:
        """Count edges that are dropped for a reason."""
        if count:
            known, first = self.dropped_edges.get(reason, (0, example))
            self.dropped_edges[reason] = known + count, first

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
        """Add a note for the user; equal notes are counted."""
        self.notes[text] += 1

    def take_over(self, other: "GraphBuilder") -> None:
        """Move the content of another builder here."""
        self.add_entities(other.entities.keys(), other.entities.values())
        self.names.take_over(other.names)
        self.edges.take_over(other.edges)
        self.references.take_over(other.references)
        for part, sources in other.sources.items():
            self.add_sources(part, sources)
        self.relations.update({key: name for key, name in other.relations.items() if name})
        for relation in other.relations:
            self.relations.setdefault(relation, "")
        for relation, general in other.superproperties.items():
            self.superproperties[relation] |= general
        self.replaced.update(other.replaced)
        self.notes += other.notes
        self.skipped_languages += other.skipped_languages
        self.skipped_relations += other.skipped_relations
        self.option_counts += other.option_counts
        self.unused_properties += other.unused_properties
        for reason, (count, example) in other.dropped_edges.items():
            self.drop_edges(reason, count, example)
        self.version = self.version or other.version
        self.licence = self.licence or other.licence

    def build(self, *, source: str = "") -> KnowledgeGraph:
        """Return the graph in its canonical order."""
        self._follow_replacements()
        for head, relation, tail in self.edges.drop_loops(_IRREFLEXIVE):
            self.drop_edges(f"{relation} from an entity to itself", 1, f"{head} {relation} {tail}")
        ids = sorted(self.entities)
        places = self.terms.places(ids)
        names = self.names.columns(places)
        edges, relations = self.edges.columns(places, places)
        self._separate_references(len(edges[0]))
        return KnowledgeGraph(
            entity_ids=StringColumn.from_strings(ids),
            definitions=StringColumn.from_strings(map(self.entities.__getitem__, ids)),
            names=names.texts,
            name_entities=names.owners,
            name_scopes=names.scopes,
            name_languages=names.language_indices,
            languages=names.languages,
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
            unused_properties=dict(self.unused_properties.most_common()),
            dropped_edges=tuple(
                (reason, *counted_edges) for reason, counted_edges in self.dropped_edges.items()
            ),
            references=self._reference_columns(places),
            origins=self._origins(ids, edges, relations),
        )

    def _follow_replacements(self) -> None:
        """Redirect edges to the replacements of their tails, and resolve chains of old ids."""
        current = follow_chains(self.replaced, self.entities)
        self.replaced.update(current)
        redirect_tails(self, self.edges, current)

    def _separate_references(self, kept: int) -> None:
        """Count the edges with an end that is not an entity, and keep those to other graphs."""
        if dangling := len(self.edges) - kept:
            known = self.terms.mask_of(self.entities.keys())
            leaving = list(islice(self.edges.leaving(known), MOST_REFERENCES))
            example = " ".join(next(self.edges.not_between(known), ()))
            self.drop_edges("an end is not an entity", dangling, example)
            self.references.update(leaving)

    def _reference_columns(self, places: IndexArray) -> References:
        tails, tail_places = self.terms.sorted_strings(self.references.used(2))
        (heads, relations, ends), names = self.references.columns(places, tail_places)
        return References(
            heads,
            relations,
            StringColumn.from_strings(map(tails.__getitem__, ends.tolist())),
            tuple(names),
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


def follow_chains(replaced: Mapping[str, str], entities: Container[str]) -> dict[str, str]:
    """Return the entity that replaces each old id, directly or through other old ids.

    >>> follow_chains({"a": "b", "b": "c", "x": "y", "y": "x"}, {"c"})
    {'a': 'c', 'b': 'c'}
    """
    current = {}
    for old in replaced:
        identifier, seen = old, set[str]()
        while identifier in replaced and identifier not in entities and identifier not in seen:
            seen.add(identifier)
            identifier = replaced[identifier]
        if identifier != old and identifier in entities:
            current[old] = identifier
    return current


def redirect_tails(builder: GraphBuilder, edges: TripleSet, current: Mapping[str, str]) -> None:
    """Redirect the edges to old ids to the current ids; note how many there are."""
    if not current:
        return
    old, new = edges.terms.numbers(current.keys()), edges.terms.numbers(current.values())
    tails = np.arange(len(edges.terms), dtype=np.int32)
    tails[old] = new
    if count := edges.count_tails(edges.terms.mask_of(current.keys())):
        edges.redirect(tails)
        what = counted(count, "edge")
        builder.note(f"redirected: {what} to obsolete or merged ids, to what replaced these")
