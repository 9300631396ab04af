"""The knowledge graph: entities, their names and definitions, and typed directed edges."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.provenance import Origins, References, Sources
from kgbert.reporting.formatting import counted

if TYPE_CHECKING:
    import networkx as nx
    import rdflib
    from torch_geometric.data import Data

    from kgbert.graph.health.report import Health

#: Scopes of names, strongest first; ``name_scopes`` has indices of it.
SCOPES = ("preferred", "exact", "related", "broad", "narrow")

#: Relations of hierarchies: the tail is the more general entity.
HIERARCHICAL = (
    "rdfs:subClassOf",
    "rdf:type",
    "skos:broader",
    "part_of",
    "BFO:0000050",
    "http://www.wikidata.org/prop/direct/P31",
    "http://www.wikidata.org/prop/direct/P279",
    "https://globalwordnet.github.io/schemas/wn#hypernym",
    "https://globalwordnet.github.io/schemas/wn#instance_hypernym",
)

#: Hierarchical relations from an instance to its class.
INSTANCE_RELATIONS = ("rdf:type", "http://www.wikidata.org/prop/direct/P31")


@dataclass(frozen=True)
class Name:
    """One name of an entity."""

    text: str
    scope: str
    language: str


@dataclass(frozen=True)
class Entity:
    """One entity with its names, definition and edges."""

    id: str
    name: str
    names: tuple[Name, ...]
    definition: str
    edges: tuple[tuple[str, str], ...]
    """(relation id, entity id of the tail) of every outgoing edge."""
    sources: Sources = ()
    """The sources of the entity in a merged graph."""


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """Immutable columns in a canonical order, so that equal graphs have equal columns.

    Entities are sorted by id; names by entity, scope, language (none and English first) and text;
    edges by head, relation and tail. An entity has at most one preferred name a language. An
    *entity index* is a position in ``entity_ids``. Graphs are made by :func:`kgbert.read_graph` or
    :class:`kgbert.graph.storage.builder.GraphBuilder`.
    """

    entity_ids: StringColumn
    definitions: StringColumn
    """One definition per entity; empty if it has none."""
    names: StringColumn
    name_entities: NDArray[np.int32]
    name_scopes: NDArray[np.uint8]
    name_languages: NDArray[np.uint16]
    languages: tuple[str, ...]
    """BCP 47 tags; the empty string means no language."""
    heads: NDArray[np.int32]
    relations: NDArray[np.int32]
    tails: NDArray[np.int32]
    relation_ids: tuple[str, ...]
    relation_names: tuple[str, ...]
    source: str = ""
    version: str = ""
    licence: str = ""
    domain: str = ""
    """Domain whose word lists linkers use, such as "medicine"; not part of the hash."""
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Obsolete or merged id -> the id that replaces it (empty if there is none)."""
    notes: tuple[str, ...] = ()
    """Notes of the reader: names created from ids, literals of another datatype ..."""
    unused_properties: Mapping[str, int] = field(default_factory=dict)
    """Text properties of the sources that were not used, with the number of their values."""
    dropped_edges: tuple[tuple[str, int, str], ...] = ()
    """(reason, number, an example) of statements between ids that did not become edges."""
    references: References = field(default_factory=lambda: References.of(()))
    """Statements about entities of other graphs; not part of the hash."""
    origins: Origins | None = None
    """The sources of each entity and edge in a merged graph."""

    def __len__(self) -> int:
        return len(self.entity_ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KnowledgeGraph) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({counted(len(self), 'entity')}, {counted(len(self.names), 'name')}, "
            f"{counted(len(self.heads), 'edge')}, {counted(len(self.relation_ids), 'relation')})"
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content without provenance."""
        digest = hashlib.sha256()
        for strings in (self.entity_ids, self.definitions, self.names):
            digest.update(strings.offsets.astype("<i8").tobytes())
            digest.update(np.ascontiguousarray(strings.blob).tobytes())
        for numbers, width in (
            (self.name_entities, "<i4"),
            (self.name_scopes, "u1"),
            (self.name_languages, "<u2"),
            (self.heads, "<i4"),
            (self.relations, "<i4"),
            (self.tails, "<i4"),
        ):
            digest.update(numbers.astype(width).tobytes())
        for words in (self.languages, self.relation_ids, self.relation_names):
            digest.update("\x1f".join(words).encode() + b"\x1e")
        return digest.hexdigest()

    @cached_property
    def name_offsets(self) -> NDArray[np.int64]:
        """``name_offsets[i : i + 2]`` are the start and end of the names of entity ``i``."""
        return np.searchsorted(self.name_entities, np.arange(len(self) + 1))

    @cached_property
    def edge_offsets(self) -> NDArray[np.int64]:
        """``edge_offsets[i : i + 2]`` are the start and end of the edges from entity ``i``."""
        return np.searchsorted(self.heads, np.arange(len(self) + 1))

    def index(self, entity_id: str) -> int:
        """Return the entity index of an id or of its replacement, or raise KeyError."""
        index = self.entity_ids.find(entity_id)
        if index is None:
            index = self.entity_ids.find(self.replaced.get(entity_id, ""))
        if index is None:
            raise KeyError(f"no entity {entity_id!r} in {self.source or 'this graph'}")
        return index

    def __contains__(self, entity_id: object) -> bool:
        return isinstance(entity_id, str) and self.entity_ids.find(entity_id) is not None

    def name(self, index: int) -> str:
        """Return the first name of an entity index, or its id if it has none."""
        first, end = self.name_offsets[index : index + 2]
        return self.names[int(first)] if first < end else self.entity_ids[index]

    def names_of(self, index: int) -> Iterator[Name]:
        """Yield the names of an entity index, strongest scope first."""
        for position in range(*self.name_offsets[index : index + 2].tolist()):
            yield Name(
                self.names[position],
                SCOPES[self.name_scopes[position]],
                self.languages[self.name_languages[position]],
            )

    def entity(self, entity_id: str) -> Entity:
        """Return an entity by its id or by an id that it replaced."""
        index = self.index(entity_id)
        edges = range(*self.edge_offsets[index : index + 2].tolist())
        return Entity(
            self.entity_ids[index],
            self.name(index),
            tuple(self.names_of(index)),
            self.definitions[index],
            tuple(
                (self.relation_ids[self.relations[edge]], self.entity_ids[int(self.tails[edge])])
                for edge in edges
            ),
            self.origins.of_entity(index) if self.origins else (),
        )

    def health(self) -> "Health":
        """Return a report of the content and possible faults of the graph, to print or as JSON."""
        from kgbert.graph.health.report import graph_health

        return graph_health(self)

    def to_networkx(self) -> "nx.MultiDiGraph[str]":
        """Return a networkx graph; see :func:`kgbert.graph.export.to_networkx`."""
        from kgbert.graph.export import to_networkx

        return to_networkx(self)

    def to_rdflib(self) -> "rdflib.Graph":
        """Return an rdflib graph; see :func:`kgbert.graph.export.to_rdflib`."""
        from kgbert.graph.export import to_rdflib

        return to_rdflib(self)

    def to_pyg(self) -> "Data":
        """Return a PyTorch Geometric Data object; see :func:`kgbert.graph.export.to_pyg`."""
        from kgbert.graph.export import to_pyg

        return to_pyg(self)
