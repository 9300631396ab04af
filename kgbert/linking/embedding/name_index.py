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

from kgbert.features.entity_features import Progress
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.embedding.name_encoder import NameEncoder
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.utils.atomic_write import write_atomically

#: Names and queries compared at once; bounds the memory of their similarities to 64 MB.
_NAMES, _QUERIES = 1 << 15, 512


@runtime_checkable
class ScoreTerms(Protocol):
    """What speaks for names and for entities besides the encoder; it is added to the cosine."""

    def of_names(self, queries: slice, names: slice) -> Tensor:
        """Return it for each query and name, or one number for all."""
        ...

    def of_entities(self, entities: slice) -> Tensor:
        """Return it for each entity."""
        ...


@dataclass(frozen=True, eq=False)
class EncodedNames:
    """One vector a name, kept in half precision, the names of an entity side by side."""

    vectors: NDArray[np.float16]
    """Shape (names, hidden); each of length one."""
    entities: NDArray[np.int32]
    """Entity index of each name, ascending."""

    def nearest(
        self,
        queries: Float[Tensor, "queries hidden"],
        most: int,
        *,
        hidden: Int[Tensor, " queries"] | None = None,
        besides: ScoreTerms | None = None,
    ) -> tuple[Float[Tensor, "queries found"], Int[Tensor, "queries found"]]:
        """Return the similarities and entity indices of the entities nearest to each query.

        An entity is as near as the nearest of its names (cosine). The search is exact; it goes
        through the names chunk by chunk and computes in single precision. Where fewer entities
        have names than are asked for, the similarities that are left are minus infinity.

        Args:
            queries: Vectors of length one.
            most: How many entities to return, the nearest first, ties by entity index.
            hidden: For each query a name that it must not see.
            besides: What is added to the cosine.
        """
        blocks = [
            slice(first, min(first + _QUERIES, len(queries)))
            for first in range(0, max(1, len(queries)), _QUERIES)
        ]
        found = [self._of_block(block, queries, most, (hidden, besides)) for block in blocks]
        return torch.cat([x for x, _ in found]), torch.cat([x for _, x in found])

    def others(
        self, names: NDArray[np.int64]
    ) -> tuple[Float[Tensor, "names one"], Int[Tensor, "names one"]]:
        """Return for each of some names the entity whose other names are nearest to it."""
        vectors = torch.from_numpy(self.vectors[names]).float()
        return self.nearest(vectors, 1, hidden=torch.from_numpy(names))

    def _of_block(
        self,
        block: slice,
        every: Tensor,
        most: int,
        also: tuple[Tensor | None, ScoreTerms | None],
    ) -> tuple[Tensor, Tensor]:
        queries, (hidden, besides) = every[block], also
        similarity = torch.zeros(len(queries), 0)
        entity = torch.zeros(len(queries), 0, dtype=torch.int64)
        for first, end in self._chunks():
            near = queries @ torch.from_numpy(self.vectors[first:end]).float().T
            if besides:
                near += besides.of_names(block, slice(first, end))
            if hidden is not None:
                _hide(near, hidden[block], first, end)
            offset = int(self.entities[first])
            owners = torch.from_numpy(self.entities[first:end] - offset).long()
            best = torch.full((len(queries), int(owners[-1]) + 1), -torch.inf)
            best.scatter_reduce_(1, owners.expand_as(near), near, "amax")
            if besides:
                best += besides.of_entities(slice(offset, offset + best.shape[1]))
            value, place = best.topk(min(most, best.shape[1]))
            similarity, entity = _merged((similarity, entity), (value, place + offset), most)
        return similarity, entity

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Yield runs of names that end where an entity's names end."""
        first = 0
        while first < len(self.entities):
            end = min(first + _NAMES, len(self.entities))
            end = int(np.searchsorted(self.entities, self.entities[end - 1], side="right"))
            yield first, end
            first = end

    def save(self, path: Path, graph_hash: str) -> None:
        """Write the vectors as safetensors, whole or not at all."""
        columns: dict[str, NDArray[Any]] = {"vectors": self.vectors, "entities": self.entities}
        write_atomically(path, save(columns, metadata={"graph_hash": graph_hash}))

    @classmethod
    def load(cls, path: Path, graph_hash: str) -> "EncodedNames | None":
        """Return what :meth:`save` wrote for this graph; None for another, or where no file is."""
        if not path.is_file():
            return None
        with safe_open(path, framework="np") as file:
            if file.metadata()["graph_hash"] != graph_hash:
                return None
            return cls(file.get_tensor("vectors"), file.get_tensor("entities"))


def _hide(near: Tensor, hidden: Tensor, first: int, end: int) -> None:
    """Blind each query to its hidden name, if that is among those from first to end."""
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
    graph: KnowledgeGraph, encoder: NameEncoder, progress: Progress | None = None
) -> EncodedNames:
    """Return the vectors of all names of a graph."""
    names, entities = distinct_names(graph)
    return EncodedNames(encoder.encode_all(names, progress), entities)


def _merged(
    known: tuple[Tensor, Tensor], more: tuple[Tensor, Tensor], most: int
) -> tuple[Tensor, Tensor]:
    """Return the best of two lists a row, best first; of equals the first of the first list."""
    # Rounded, lest entities with the same name change places with the noise of a product.
    similarity = torch.cat([known[0], more[0]], 1).round(decimals=5)
    entity = torch.cat([known[1], more[1]], 1)
    by_entity = entity.argsort(dim=1)
    similarity, entity = similarity.gather(1, by_entity), entity.gather(1, by_entity)
    order = similarity.argsort(dim=1, descending=True, stable=True)[:, :most]
    return similarity.gather(1, order), entity.gather(1, order)
