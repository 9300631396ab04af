"""Precomputed entity vectors, which inference looks up instead of sampling the graph."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import open_matrices, save_matrices


@dataclass(frozen=True)
class Origin:
    """The inputs of entity vectors; the vectors are stale if one of them changes."""

    graph_hash: str
    features_hash: str
    """SHA-256 of the frozen encoder of the features."""
    drawing: str
    """Settings of the neighbour sampling."""
    weights_hash: str
    """SHA-256 of the weights that computed the vectors."""


@dataclass(frozen=True, eq=False)
class EntityVectors:
    """The vectors of all entities from the graph encoder of a trained model, in half precision."""

    vectors: NDArray[np.float16]
    """Shape (entities, size); memory-mapped after loading."""
    origin: Origin

    def save(self, path: Path) -> None:
        """Write the vectors atomically to a safetensors file."""
        save_matrices(path, {"vectors": self.vectors}, asdict(self.origin))

    @classmethod
    def load(cls, path: Path) -> "EntityVectors":
        """Return the vectors in a file of :meth:`save`, mapped into memory."""
        matrices, about = open_matrices(path)
        try:
            return cls(matrices["vectors"], Origin(**about))
        except (KeyError, TypeError) as error:
            raise KGBertError(
                f"{path} contains no entity vectors of this version of kgbert ({error}). Remove "
                "it; vectors are then computed from the graph.",
                code="foreign-vectors",
            ) from error
