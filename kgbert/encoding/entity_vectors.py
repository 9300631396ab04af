"""Entity vectors computed once, which inference looks up instead of sampling a graph."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.utils.errors import KGBertError
from kgbert.utils.safetensors_io import open_matrices, save_matrices


@dataclass(frozen=True)
class Origin:
    """What entity vectors depend on; if any of it changes they are stale."""

    graph_hash: str
    features_hash: str
    """SHA-256 of the frozen encoder that made the features."""
    drawing: str
    """How neighbours are drawn."""
    weights_hash: str
    """SHA-256 of the weights that are in the vectors."""


@dataclass(frozen=True, eq=False)
class EntityVectors:
    """What a trained model makes of every entity before it sees a text, in half precision."""

    vectors: NDArray[np.float16]
    """Shape (entities, size); mapped from the disk where they were loaded."""
    origin: Origin

    def save(self, path: Path) -> None:
        """Write the vectors as safetensors, whole or not at all."""
        save_matrices(path, {"vectors": self.vectors}, asdict(self.origin))

    @classmethod
    def load(cls, path: Path) -> "EntityVectors":
        """Open what :meth:`save` wrote; vectors are read when they are asked for."""
        matrices, about = open_matrices(path)
        try:
            return cls(matrices["vectors"], Origin(**about))
        except (KeyError, TypeError) as error:
            raise KGBertError(
                f"{path} contains no entity vectors of this version of kgbert ({error}). Remove "
                "it; vectors are then computed from the graph.",
                code="foreign-vectors",
            ) from error
