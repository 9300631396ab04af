"""The vectors of a graph's names, and the exact search among them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save
from torch import Tensor

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.progress import StepCallback

#: Names and queries compared at once; bounds the memory of their similarities to 64 MB.
_NAMES, _QUERIES = 1 << 15, 512


@runtime_checkable
class ScoreTerms(Protocol):
    """Terms that are added to the cosine similarity of names and entities."""

    def for_names(self, queries: slice, names: slice) -> Tensor:
        """Return the terms of each query and name, or one number for all."""
        ...

    def for_entities(self, entities: slice) -> Tensor:
        """Return the term of each entity."""
        ...


@dataclass(frozen=True, eq=False)
class EncodedNames:
    """One vector for each name in half precision, the names of an entity adjacent."""

    vectors: NDArray[np.float16]
    """Shape (names, hidden); each of length one."""
    entities: NDArray[np.int32]
    """Entity index of each name, ascending."""

    def nearest(
        self,
        queries: Float[Tensor, "queries hidden"],
        count: int,
        *,
        hidden: Int[Tensor, " queries"] | None = None,
        score_terms: ScoreTerms | None = None,
    ) -> tuple[Float[Tensor, "queries found"], Int[Tensor, "queries found"]]:
        """Return the similarities and entity indices of the entities nearest to each query.

        The similarity of an entity is that of its nearest name (cosine). The search is exact; it
        processes the names in chunks and computes in single precision. If fewer entities than
        requested have names, the remaining similarities are minus infinity.

        Args:
            queries: Vectors of length one.
            count: How many entities to return, the nearest first, ties by entity index.
            hidden: For each query, a name that is excluded.
            score_terms: Terms that are added to the cosine.
        """
        blocks = [
            slice(first, min(first + _QUERIES, len(queries)))
            for first in range(0, max(1, len(queries)), _QUERIES)
        ]
        found = [
            self._search_block(block, queries, count, (hidden, score_terms)) for block in blocks
        ]
        return torch.cat([x for x, _ in found]), torch.cat([x for _, x in found])

    def others(
        self, names: NDArray[np.int64]
    ) -> tuple[Float[Tensor, "names one"], Int[Tensor, "names one"]]:
        """Return for each of some names the entity whose other names are nearest to it."""
        vectors = torch.from_numpy(self.vectors[names]).float()
        return self.nearest(vectors, 1, hidden=torch.from_numpy(names))

    def _search_block(
        self,
        block: slice,
        all_queries: Tensor,
        count: int,
        options: tuple[Tensor | None, ScoreTerms | None],
    ) -> tuple[Tensor, Tensor]:
        queries, (hidden, score_terms) = all_queries[block], options
        similarity = torch.zeros(len(queries), 0)
        entity = torch.zeros(len(queries), 0, dtype=torch.int64)
        for first, end in self._chunks():
            near = queries @ torch.from_numpy(self.vectors[first:end]).float().T
            if score_terms:
                near += score_terms.for_names(block, slice(first, end))
            if hidden is not None:
                _hide(near, hidden[block], first, end)
            offset = int(self.entities[first])
            owners = torch.from_numpy(self.entities[first:end] - offset).long()
            best = torch.full((len(queries), int(owners[-1]) + 1), -torch.inf)
            best.scatter_reduce_(1, owners.expand_as(near), near, "amax")
            if score_terms:
                best += score_terms.for_entities(slice(offset, offset + best.shape[1]))
            value, place = best.topk(min(count, best.shape[1]))
            similarity, entity = _merged((similarity, entity), (value, place + offset), count)
        return similarity, entity

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Yield runs of names that do not split the names of an entity."""
        first = 0
        while first < len(self.entities):
            end = min(first + _NAMES, len(self.entities))
            end = int(np.searchsorted(self.entities, self.entities[end - 1], side="right"))
            yield first, end
            first = end

    def save(self, path: Path, graph_hash: str) -> None:
        """Write the vectors as safetensors, atomically."""
        columns: dict[str, NDArray[Any]] = {"vectors": self.vectors, "entities": self.entities}
        write_atomically(path, save(columns, metadata={"graph_hash": graph_hash}))

    @classmethod
    def load(cls, path: Path, graph_hash: str) -> "EncodedNames | None":
        """Return what :meth:`save` wrote for this graph; None for another, or without a file."""
        if not path.is_file():
            return None
        with safe_open(path, framework="np") as file:
            if file.metadata()["graph_hash"] != graph_hash:
                return None
            return cls(file.get_tensor("vectors"), file.get_tensor("entities"))


def _hide(near: Tensor, hidden: Tensor, first: int, end: int) -> None:
    """Exclude the hidden name of each query, if it is among those from first to end."""
    row = torch.nonzero((hidden >= first) & (hidden < end)).flatten()
    near[row, hidden[row] - first] = -torch.inf


def distinct_names(graph: KnowledgeGraph) -> tuple[list[str], NDArray[np.int32]]:
    """Return the folded names of a graph, each once an entity, and the entity of each.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for name in ("Fever", "fever", "Pyrexia"):
    ...     builder.add_name("HP:1", name)
    >>> distinct_names(builder.build())[0]
    ['fever', 'pyrexia']
    """
    both = zip(graph.name_entities.tolist(), map(fold_cluster, graph.names), strict=True)
    distinct = dict.fromkeys(both)
    return [name for _, name in distinct], np.array([entity for entity, _ in distinct], np.int32)


def encode_names(
    graph: KnowledgeGraph, encoder: NameEncoder, progress: StepCallback | None = None
) -> EncodedNames:
    """Return the vectors of all names of a graph."""
    names, entities = distinct_names(graph)
    return EncodedNames(encoder.encode_all(names, progress), entities)


def _merged(
    known: tuple[Tensor, Tensor], more: tuple[Tensor, Tensor], count: int
) -> tuple[Tensor, Tensor]:
    """Return the best of two lists in each row, best first; ties by entity index."""
    # Rounded, so that numerical noise does not swap entities with the same name.
    similarity = torch.cat([known[0], more[0]], 1).round(decimals=5)
    entity = torch.cat([known[1], more[1]], 1)
    by_entity = entity.argsort(dim=1)
    similarity, entity = similarity.gather(1, by_entity), entity.gather(1, by_entity)
    order = similarity.argsort(dim=1, descending=True, stable=True)[:, :count]
    return similarity.gather(1, order), entity.gather(1, order)
