"""References to entities of other graphs, and the sources of the parts of a merged graph."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn

Sources = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class References:
    """Statements about entities outside a graph: cross-references, and edges to such entities.

    They are not edges and not part of the hash of the graph. Merging graphs uses them.

    >>> list(References.of([(0, "oboInOwl:hasDbXref", "MESH:D005334")]))
    [(0, 'oboInOwl:hasDbXref', 'MESH:D005334')]
    """

    heads: NDArray[np.int32]
    relations: NDArray[np.int32]
    tails: StringColumn
    relation_ids: tuple[str, ...]

    def digest(self) -> str:
        """Return a SHA-256 of the statements."""
        digest = hashlib.sha256("\x1f".join(self.relation_ids).encode())
        for column in (self.heads, self.relations, self.tails.offsets, self.tails.blob):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    @classmethod
    def of(cls, statements: Iterable[tuple[int, str, str]]) -> "References":
        """Return (entity index, relation id, outside id) as columns, in canonical order."""
        ordered = sorted(statements)
        relations = sorted({relation for _, relation, _ in ordered})
        places = {relation: place for place, relation in enumerate(relations)}
        return cls(
            np.array([head for head, _, _ in ordered], np.int32),
            np.array([places[relation] for _, relation, _ in ordered], np.int32),
            StringColumn.from_strings(tail for _, _, tail in ordered),
            tuple(relations),
        )

    def __len__(self) -> int:
        return len(self.heads)

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        for head, relation, tail in zip(
            self.heads.tolist(), self.relations.tolist(), self.tails, strict=True
        ):
            yield head, self.relation_ids[relation], tail


@dataclass(frozen=True, eq=False)
class Origins:
    """The sources of each entity and each edge of a merged graph.

    An entry takes two bytes: it is an index of ``combinations``, of which there are few.

    >>> origins = Origins.of([("hp.obo",), ("hp.obo", "doid.obo")], [])
    >>> origins.of_entity(1), origins.counts()
    (('hp.obo', 'doid.obo'), (('hp.obo', 2, 0), ('doid.obo', 1, 0)))
    """

    combinations: tuple[Sources, ...]
    entities: NDArray[np.uint16]
    edges: NDArray[np.uint16]

    @classmethod
    def of(cls, entities: Sequence[Sources], edges: Sequence[Sources]) -> "Origins":
        """Return the sources of each entity and each edge as columns."""
        combinations = tuple(dict.fromkeys((*entities, *edges)))
        places = {combination: place for place, combination in enumerate(combinations)}
        return cls(
            combinations,
            np.array([places[sources] for sources in entities], np.uint16),
            np.array([places[sources] for sources in edges], np.uint16),
        )

    @property
    def sources(self) -> Sources:
        """All sources, in the order of their first occurrence."""
        return tuple(dict.fromkeys(name for names in self.combinations for name in names))

    def counts(self) -> tuple[tuple[str, int, int], ...]:
        """Return each source with its numbers of entities and edges.

        An entity or edge of several sources counts for each of them.
        """
        entities = np.bincount(self.entities, minlength=len(self.combinations)).tolist()
        edges = np.bincount(self.edges, minlength=len(self.combinations)).tolist()
        rows = list(zip(self.combinations, entities, edges, strict=True))
        return tuple(
            (
                source,
                sum(count for names, count, _ in rows if source in names),
                sum(count for names, _, count in rows if source in names),
            )
            for source in self.sources
        )

    def of_entity(self, index: int) -> Sources:
        """Return the sources of an entity, by its index."""
        return self.combinations[self.entities[index]]

    def of_edge(self, position: int) -> Sources:
        """Return the sources of an edge, by its position in the columns."""
        return self.combinations[self.edges[position]]
