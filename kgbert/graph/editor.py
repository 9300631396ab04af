"""Edit a graph: add, rename, rewire and retire entities."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from kgbert.graph.core.graph import KnowledgeGraph, Name
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.graph.core.vocabulary import RELATION_ALIASES
from kgbert.graph.storage.builder import Edge, GraphBuilder
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError

#: Suffix of the source of an edited graph, and the source of what was added to a merged graph.
EDITED = "(edited)"


class GraphEditor:
    """Collects edits of a graph, and builds the edited graph; the graph itself does not change.

    Ids may be spelled as in other files, and relations may be given by name or as in tables
    (``is_a``). Every edit is checked at once, and methods return the editor, so that edits can be
    chained.

    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever"), builder.add_name("HP:2", "Symptom")
    (None, None)
    >>> graph = builder.build(source="example")
    >>> edited = (
    ...     GraphEditor(graph)
    ...     .rename("HP:1", "Pyrexia")
    ...     .add_relation("rdfs:subClassOf", "is a")
    ...     .add_edge("HP:1", "is a", "HP:2")
    ...     .build()
    ... )
    >>> edited.entity("HP:1").name, edited.entity("HP:1").edges
    ('Pyrexia', (('rdfs:subClassOf', 'HP:2'),))
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self._index = EntityIdIndex(graph)
        self._names: dict[str, list[Name]] = {}
        self._definitions: dict[str, str] = {}
        self._added: dict[str, None] = {}
        self._retired: dict[str, str] = {}
        self._relations = dict(zip(graph.relation_ids, graph.relation_names, strict=True))
        self._edges: dict[Edge, None] = {}
        self._removed_edges: set[Edge] = set()
        self._counts: Counter[str] = Counter()

    def add_entity(
        self, entity_id: str, name: str, *, synonyms: Iterable[str] = (), definition: str = ""
    ) -> "GraphEditor":
        """Add an entity.

        Args:
            entity_id: An id that no entity has, and no retired one had.
            name: Its preferred name.
            synonyms: Further names.
            definition: Its definition.

        Raises:
            GraphError: An entity has or had the id, or id or name is empty.
        """
        if self._find(entity_id) is not None:
            raise GraphError(
                f"{entity_id!r} is an entity of {self._source} already "
                f"({self._name_of(entity_id)}). Choose another id, or edit that entity.",
                code="entity-exists",
            )
        if entity_id in self._retired or self._index.find(entity_id) in self._retired:
            raise GraphError(
                f"{entity_id!r} was retired before, and its edges would come back with it. Choose "
                "another id.",
                code="entity-exists",
            )
        if not entity_id.strip():
            raise GraphError("an entity needs an id; '' is none.", code="unknown-entity")
        texts = [_checked_name(each, entity_id) for each in (name, *synonyms)]
        self._added[entity_id] = None
        scopes = ["preferred", *("exact" for _ in texts[1:])]
        self._names[entity_id] = [
            Name(text, scope, "") for text, scope in zip(texts, scopes, strict=True)
        ]
        self._definitions[entity_id] = definition
        return self._count("entity added")

    def rename(self, entity_id: str, name: str) -> "GraphEditor":
        """Replace the preferred name of an entity; the former name is no longer one of it."""
        entity = self._entity(entity_id)
        before = self._names_of(entity)
        language = before[0].language if before else ""
        text = _checked_name(name, entity_id)
        self._names[entity] = [Name(text, "preferred", language), *before[1:]]
        return self._count("entity renamed")

    def add_name(self, entity_id: str, name: str, *, scope: str = "exact") -> "GraphEditor":
        """Add a name to an entity."""
        entity = self._entity(entity_id)
        added = Name(_checked_name(name, entity_id), scope, "")
        self._names[entity] = [*self._names_of(entity), added]
        return self._count("name added")

    def remove_name(self, entity_id: str, name: str) -> "GraphEditor":
        """Remove a name from an entity, in all languages.

        Raises:
            GraphError: The entity does not exist, or does not have the name.
        """
        entity = self._entity(entity_id)
        names = self._names_of(entity)
        kept = [each for each in names if each.text != name]
        if len(kept) == len(names):
            shown = ", ".join(repr(each.text) for each in names) or "none"
            raise GraphError(
                f"{entity} has no name {name!r}; its names are {shown}. Correct the name.",
                code="unknown-entity-name",
            )
        self._names[entity] = kept
        return self._count("name removed")

    def define(self, entity_id: str, definition: str) -> "GraphEditor":
        """Replace the definition of an entity; an empty one removes it."""
        self._definitions[self._entity(entity_id)] = definition
        return self._count("definition changed")

    def add_relation(self, relation: str, name: str) -> "GraphEditor":
        """Add a relation with a readable name, so that edges can have it."""
        self._relations[relation] = name
        return self

    def add_edge(self, head: str, relation: str, tail: str) -> "GraphEditor":
        """Add an edge between two entities; the relation is an id or a name.

        Raises:
            GraphError: An entity or the relation does not exist, or the graph has the edge.
        """
        edge = self._edge(head, relation, tail)
        if self._has_edge(edge):
            raise GraphError(
                f"{self._source} has the edge {' '.join(edge)} already.", code="edge-exists"
            )
        self._removed_edges.discard(edge)
        self._edges[edge] = None
        return self._count("edge added")

    def remove_edge(self, head: str, relation: str, tail: str) -> "GraphEditor":
        """Remove an edge.

        Raises:
            GraphError: An entity or the relation does not exist, or the graph lacks the edge.
        """
        edge = self._edge(head, relation, tail)
        if not self._has_edge(edge):
            own = [f"{kind} {end}" for kind, end in self._edges_of(edge[0])]
            raise GraphError(
                f"{self._source} has no edge {' '.join(edge)}; the edges of {edge[0]} are "
                f"{', '.join(own[:5]) or 'none'}. Correct the edge.",
                code="unknown-edge",
            )
        self._edges.pop(edge, None)
        self._removed_edges.add(edge)
        return self._count("edge removed")

    def retire(self, entity_id: str, *, replaced_by: str | None = None) -> "GraphEditor":
        """Remove an entity with its names and edges.

        Args:
            entity_id: The entity.
            replaced_by: The entity to which its id and the edges that lead to it refer from now
                on; None means that these edges are removed as well.

        Raises:
            GraphError: An entity does not exist, or replaces itself.
        """
        entity = self._entity(entity_id)
        replacement = self._entity(replaced_by) if replaced_by is not None else ""
        if replacement == entity:
            raise GraphError(
                f"{entity} cannot replace itself; name another entity.", code="replaces-itself"
            )
        self._retired[entity] = replacement
        self._added.pop(entity, None)
        self._edges = {edge: None for edge in self._edges if entity != edge[0]}
        return self._count("entity retired")

    def build(self) -> KnowledgeGraph:
        """Return the edited graph; it is equal to the graph if nothing was edited."""
        graph, builder = self.graph, GraphBuilder()
        for entity in graph.entity_ids:
            if entity not in self._retired:
                self._add_entity(builder, entity)
        for entity in self._added:
            self._add_entity(builder, entity)
        # A replaced id leads to its replacement; redirecting edges is left to the builder.
        builder.replaced.update(graph.replaced)
        builder.replaced.update({old: new for old, new in self._retired.items() if new})
        for relation, name in self._relations.items():
            builder.add_relation(relation, name)
        self._add_edges(builder)
        self._add_metadata(builder)
        source = graph.source.removesuffix(EDITED).strip()
        built = builder.build(source=f"{source} {EDITED}".strip() if self._counts else graph.source)
        return replace(built, domain=graph.domain)

    def _add_entity(self, builder: GraphBuilder, entity: str) -> None:
        index = self.graph.entity_ids.find(entity)
        known = "" if index is None else self.graph.definitions[index]
        builder.add_entity(entity, self._definitions.get(entity, known))
        for name in self._names_of(entity):
            builder.add_name(entity, name.text, name.scope, name.language)
        if self.graph.origins is not None:
            former = () if index is None else self.graph.origins.of_entity(index)
            builder.add_sources(entity, former or (EDITED,))

    def _add_edges(self, builder: GraphBuilder) -> None:
        graph, ids = self.graph, list(self.graph.entity_ids)
        columns = (graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist())
        for position, (head, kind, tail) in enumerate(zip(*columns, strict=True)):
            edge = (ids[head], graph.relation_ids[kind], ids[tail])
            if self._is_kept(edge):
                builder.add_edge(*edge)
                if graph.origins is not None:
                    builder.add_sources(self._redirected(edge), graph.origins.of_edge(position))
        for edge in filter(self._is_kept, self._edges):
            builder.add_edge(*edge)
            if graph.origins is not None:
                builder.add_sources(self._redirected(edge), (EDITED,))

    def _is_kept(self, edge: Edge) -> bool:
        """Return whether an edge stays; those to a replaced entity lead to its replacement."""
        head, _, tail = self._redirected(edge)
        gone = edge in self._removed_edges or head in self._retired
        return not gone and tail not in ("", head)

    def _redirected(self, edge: Edge) -> Edge:
        """Return an edge that leads to the replacement of its tail; to '' if there is none."""
        head, relation, tail = edge
        while tail in self._retired:
            tail = self._retired[tail]
        return head, relation, tail

    def _add_metadata(self, builder: GraphBuilder) -> None:
        graph, ids = self.graph, self.graph.entity_ids
        builder.version, builder.licence = graph.version, graph.licence
        builder.unused_properties.update(graph.unused_properties)
        for reason, count, example in graph.dropped_edges:
            builder.drop_edges(reason, count, example)
        for head, relation, target in graph.references:
            if ids[head] not in self._retired:
                builder.add_reference(ids[head], relation, target)
        for text in graph.notes:
            builder.note(text)
        if self._counts:
            builder.note(f"edited: {', '.join(f'{n} {what}' for what, n in self._counts.items())}")

    def _count(self, what: str) -> "GraphEditor":
        self._counts[what] += 1
        return self

    @property
    def _source(self) -> str:
        return self.graph.source or "the graph"

    def _find(self, entity_id: str) -> str | None:
        if entity_id in self._added:
            return entity_id
        entity = self._index.find(entity_id)
        return None if entity in self._retired else entity

    def _entity(self, entity_id: str) -> str:
        """Return the id of an entity, or raise GraphError if there is none."""
        entity = self._find(entity_id)
        if entity is not None:
            return entity
        if self._index.find(entity_id) in self._retired:
            raise GraphError(f"{entity_id!r} was retired before.", code="unknown-entity")
        raise GraphError(
            f"{entity_id!r} is no id of the {counted(len(self.graph), 'entity')} of "
            f"{self._source}{self._hint(entity_id)}",
            code="unknown-entity",
        )

    def _hint(self, typed: str) -> str:
        """Return what may have been meant by a string that is no id, as the end of a sentence."""
        names = zip(self.graph.names, self.graph.name_entities.tolist(), strict=True)
        named = [index for name, index in names if typed and name == typed]
        if named:
            ids = ", ".join(self.graph.entity_ids[index] for index in dict.fromkeys(named[:3]))
            return f", but a name of {ids}. Give the id."
        known = [*self._added, *self.graph.entity_ids]
        close = get_close_matches(typed, known, n=1) if len(known) < 100_000 else []
        if close:
            return f"; did you mean {close[0]!r}?"
        return f", which look like {known[0]!r}. Correct it." if known else "."

    def _relation(self, relation: str) -> str:
        if relation in self._relations:
            return relation
        named = [each for each, name in self._relations.items() if name == relation]
        if len(named) == 1:
            return named[0]
        alias = RELATION_ALIASES.get(relation.casefold(), "")
        if alias in self._relations:
            return alias
        shown = ", ".join(map(repr, list(self._relations)[:10])) or "none"
        raise GraphError(
            f"{relation!r} is no relation of {self._source}, which has {shown}. Correct it, or add "
            f"the relation first: editor.add_relation({relation!r}, 'its name').",
            code="unknown-relation",
        )

    def _edge(self, head: str, relation: str, tail: str) -> Edge:
        return self._entity(head), self._relation(relation), self._entity(tail)

    def _edges_of(self, entity: str) -> list[tuple[str, str]]:
        known = self.graph.entity(entity).edges if entity in self.graph else ()
        own = [(entity, *each) for each in known]
        edges = [*(x for x in own if x not in self._removed_edges), *self._edges]
        return [(relation, tail) for head, relation, tail in edges if head == entity]

    def _has_edge(self, edge: Edge) -> bool:
        return edge[1:] in self._edges_of(edge[0])

    def _names_of(self, entity: str) -> list[Name]:
        if entity in self._names:
            return self._names[entity]
        index = self.graph.entity_ids.find(entity)
        return [] if index is None else list(self.graph.names_of(index))

    def _name_of(self, entity_id: str) -> str:
        entity = self._entity(entity_id)
        return next((each.text for each in self._names_of(entity)), entity)


def _checked_name(name: str, entity_id: str) -> str:
    if not name.strip():
        raise GraphError(f"{entity_id!r} cannot have an empty name.", code="empty-name")
    return name
