"""How a graph is sampled for a model that was trained on another graph."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.csr import CSRAdjacency
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import open_matrices, save_matrices

#: First random key of entities that the former graph does not have; its own keys are smaller.
_FIRST_NEW_KEY = 1 << 33


@dataclass(frozen=True, eq=False)
class SamplingMap:
    """The random key of each entity, and the model's number of each relation."""

    keys: NDArray[np.int64]
    """Shape (entities); an entity keeps its key, and with it its sampled neighbours, when others
    are added or removed."""
    relations: NDArray[np.int64]
    """Shape (relations); the number of each relation of the graph in the model, -1 for one whose
    edges are not read."""
    model_relations: int
    """Number of relations that the model knows."""

    @classmethod
    def between(
        cls,
        graph: KnowledgeGraph,
        former: KnowledgeGraph,
        former_keys: NDArray[np.int64] | None,
        relations: Sequence[int],
        model_relations: int,
    ) -> "SamplingMap | None":
        """Return the map of a graph that replaces another one; None if it changes nothing.

        Args:
            graph: The new graph.
            former: The graph before.
            former_keys: The keys of its entities; None means their positions.
            relations: The number of each relation of the graph in the model, or -1.
            model_relations: Number of relations that the model knows.
        """
        positions = np.arange(len(former)) if former_keys is None else former_keys
        known: Mapping[str, int] = dict(zip(former.entity_ids, positions.tolist(), strict=True))
        keys = np.array(
            [
                known.get(entity, _FIRST_NEW_KEY + zlib.crc32(entity.encode()))
                for entity in graph.entity_ids
            ],
            np.int64,
        )
        numbers = np.array(relations, np.int64)
        if np.array_equal(keys, np.arange(len(graph))) and np.array_equal(
            numbers, np.arange(model_relations)
        ):
            return None
        return cls(keys, numbers, model_relations)

    @cached_property
    def hash(self) -> str:
        """CRC-32 of the content."""
        number = zlib.crc32(np.ascontiguousarray(self.keys).tobytes())
        number = zlib.crc32(np.ascontiguousarray(self.relations).tobytes(), number)
        return f"{number:08x}-{self.model_relations}"

    @cached_property
    def edge_types(self) -> NDArray[np.int64]:
        """The model's type of each edge type of the graph, -1 for edges that are not read."""
        inverse = np.where(self.relations < 0, -1, self.relations + self.model_relations)
        return np.concatenate([self.relations, inverse])

    def without_unknown(self, rows: CSRAdjacency) -> CSRAdjacency:
        """Return the adjacency without the edges that the model does not read."""
        kept = self.edge_types[rows.types] >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        return CSRAdjacency(before[rows.offsets], rows.senders[kept], rows.types[kept])

    def save(self, path: Path) -> None:
        """Write the map atomically to a safetensors file."""
        matrices = {"keys": self.keys, "relations": self.relations}
        save_matrices(path, matrices, {"model_relations": str(self.model_relations)})

    @classmethod
    def load(cls, path: Path, graph: KnowledgeGraph) -> "SamplingMap":
        """Return the map of a graph in a file of :meth:`save`.

        Raises:
            KGBertError: The file is damaged or of another graph.
        """
        try:
            matrices, about = open_matrices(path)
            loaded = cls(matrices["keys"], matrices["relations"], int(about["model_relations"]))
            fits = loaded.keys.shape == (len(graph),)
            fits &= loaded.relations.shape == (len(graph.relation_ids),)
            fits &= bool((loaded.relations < loaded.model_relations).all())
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path) from error
        if not fits:
            raise _damaged(path)
        return loaded


def _damaged(path: Path) -> KGBertError:
    return KGBertError(
        f"{path} does not map the relations of this graph to those of the model. Restore the "
        "folder from its source.",
        code="damaged-sampling-map",
    )
