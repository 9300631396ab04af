"""Feature vectors of a graph's entities, kept in half precision beside the graph."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kgbert.batching.matrix import open_matrices, save_matrices
from kgbert.linking.linkers import parts_of
from kgbert.linking.mention import Linker

#: How many vectors are hashed at least, if there are as many.
_HASHED = 50_000


@dataclass(frozen=True, eq=False)
class EntityFeatures:
    """One vector an entity, and what made them, so that more can be made in the same space."""

    vectors: NDArray[np.float16]
    """Shape (entities, features); mapped from the disk where they were loaded."""
    encoder: str
    """Name or folder of the frozen encoder."""
    encoder_hash: str
    """SHA-256 of its weights."""
    graph_hash: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the vectors; of very many, of some drawn evenly from all."""
        drawn = self.vectors[:: max(1, len(self.vectors) // _HASHED)]
        return hashlib.sha256(np.ascontiguousarray(drawn).tobytes()).hexdigest()

    def save(self, path: Path) -> None:
        """Write the vectors as safetensors, whole or not at all."""
        about = {
            "encoder": self.encoder,
            "encoder_hash": self.encoder_hash,
            "graph_hash": self.graph_hash,
        }
        save_matrices(path, {"vectors": self.vectors}, about)

    @classmethod
    def load(cls, path: Path) -> "EntityFeatures":
        """Open what :meth:`save` wrote; vectors are read when they are asked for."""
        matrices, about = open_matrices(path)
        return cls(matrices["vectors"], **about)


@runtime_checkable
class _SearchesFeatures(Protocol):
    """A linker that compares texts with entity features, which need not be made twice."""

    def adopt(self, features: EntityFeatures) -> None:
        """Take over what was made by the linker's own encoder for its own graph."""
        ...


def lend(features: EntityFeatures, linker: Linker) -> None:
    """Let the parts of a linker that search entity features search these, if they fit."""
    for part in parts_of(linker):
        if isinstance(part, _SearchesFeatures):
            part.adopt(features)
