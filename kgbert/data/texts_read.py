"""Digests of the texts that a model has read, by which test texts are found among them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.data.example import Example
from kgbert.utils.errors import KGBertError
from kgbert.utils.paths import TEXTS_FILE
from kgbert.utils.safetensors_io import open_matrices, save_matrices

_NONE = np.empty(0, np.uint64)


def text_digest(text: str) -> int:
    """Return a hash of a text that is equal for copies in other case or with other blanks."""
    content = " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


@dataclass(frozen=True, eq=False)
class TextsRead:
    """Sorted digests of the texts that the weights of a model have read."""

    unlabelled: NDArray[np.uint64] = field(default_factory=_NONE.copy)
    """Texts of pretraining or distillation, shape (texts)."""
    labelled: NDArray[np.uint64] = field(default_factory=_NONE.copy)
    """Training and validation examples, all texts of an example as one, shape (examples)."""

    @classmethod
    def load(cls, folder: str | Path) -> "TextsRead":
        """Return the digests in the folder of a model; none for a folder without, or a hub name.

        Raises:
            KGBertError: The file is damaged.
        """
        path = Path(folder) / TEXTS_FILE
        if not path.is_file():
            return cls()
        digests, _ = open_matrices(path)
        try:
            return cls(digests["unlabelled"], digests["labelled"])
        except KeyError as error:
            raise KGBertError(
                f"{path} is damaged (lacks {error}). Delete it; then kgbert compare cannot warn of "
                "test texts that the model has read.",
                code="damaged-text-digests",
            ) from error

    def save(self, folder: Path) -> None:
        """Write the digests to a folder, if there are any."""
        if self:
            content = {"unlabelled": self.unlabelled, "labelled": self.labelled}
            save_matrices(folder / TEXTS_FILE, content, {})

    def __bool__(self) -> bool:
        return bool(len(self.unlabelled) or len(self.labelled))

    def with_unlabelled(self, digests: Iterable[int]) -> "TextsRead":
        """Return these digests and those of further texts without labels."""
        fresh = np.fromiter(digests, np.uint64)
        return replace(self, unlabelled=np.union1d(self.unlabelled, fresh))

    def with_labelled(self, examples: Iterable[Example]) -> "TextsRead":
        """Return these digests and those of examples that a model is trained or selected on."""
        fresh = np.fromiter(map(_example_digest, examples), np.uint64)
        return replace(self, labelled=np.union1d(self.labelled, fresh))

    def count_unlabelled(self, examples: Iterable[Example]) -> int:
        """Return the number of examples of which a text was read without labels."""
        read = set(self.unlabelled.tolist())
        return sum(any(text_digest(text) in read for text in x.texts) for x in examples)

    def count_labelled(self, examples: Iterable[Example]) -> int:
        """Return the number of examples whose texts were read together, with labels."""
        read = set(self.labelled.tolist())
        return sum(_example_digest(x) in read for x in examples)


def _example_digest(example: Example) -> int:
    return text_digest(" ".join(example.texts))
