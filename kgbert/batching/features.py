"""Feature vectors of a graph's entities, kept in half precision beside the graph."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from kgbert.saving import write_atomically


@dataclass(frozen=True, eq=False)
class EntityFeatures:
    """One vector an entity, and what made them, so that more can be made in the same space."""

    vectors: NDArray[np.float16]
    """Shape (entities, features)."""
    encoder: str
    """Name or folder of the frozen encoder."""
    encoder_hash: str
    """SHA-256 of its weights."""
    graph_hash: str

    def save(self, path: Path) -> None:
        """Write the vectors as safetensors, whole or not at all."""
        about = {
            "encoder": self.encoder,
            "encoder_hash": self.encoder_hash,
            "graph_hash": self.graph_hash,
        }
        write_atomically(path, save({"vectors": self.vectors}, metadata=about))

    @classmethod
    def load(cls, path: Path) -> "EntityFeatures":
        """Read what :meth:`save` wrote."""
        with safe_open(path, framework="np") as file:
            return cls(file.get_tensor("vectors"), **file.metadata())
