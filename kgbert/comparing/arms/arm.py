"""What an arm is: a change of what a run reads, and of how the model is built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kgbert.batching.features import EntityFeatures
from kgbert.batching.trees import SentenceTrees
from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.mention import Linker
from kgbert.texts import Example


@dataclass(frozen=True)
class Material:
    """What one run reads."""

    graph: KnowledgeGraph
    features: EntityFeatures
    linker: Linker
    backbone: str
    """Hub name or folder of the plain checkpoint."""
    parts: tuple[Sequence[Example], ...]
    """The texts for training, for validation and for the test."""
    trees: SentenceTrees | None = None
    """How triples grow out of the texts, where they do."""

    def rewritten(self, rewrite: Callable[[Sequence[Example]], list[Example]]) -> "Material":
        """Return the material with each part of the texts rewritten."""
        return replace(self, parts=tuple(rewrite(part) for part in self.parts))


#: What an arm does to the material of a seed.
Change = Callable[[Material, int], Material]


def unchanged(material: Material, seed: int) -> Material:
    """Return the material as it is."""
    return material


@dataclass(frozen=True)
class Arm:
    """One way to treat the task; whatever an arm does not change, it shares with all others."""

    name: str
    meaning: str
    """One line for the report."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the model's configuration."""
    change: Change = unchanged
    """Raises ValueError where the arm makes no sense for the material; nothing was trained then."""
