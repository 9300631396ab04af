"""What an arm is: a change of what a run reads, and of how the model is built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kgbert.data import Example
from kgbert.encoding.expansion import TextExpander
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.mention import Linker
from kgbert.tasks.base import Task


@dataclass(frozen=True)
class RunInputs:
    """What one run reads."""

    graph: KnowledgeGraph
    features: EntityFeatures
    linker: Linker
    backbone: str
    """Hub name or folder of the plain checkpoint."""
    parts: tuple[Sequence[Example], ...]
    """The texts for training, for validation and for the test."""
    task: Task
    expander: TextExpander | None = None
    """What appends tokens to the texts, if anything does."""

    def rewritten(self, rewrite: Callable[[Sequence[Example]], list[Example]]) -> "RunInputs":
        """Return the inputs with each part of the texts rewritten."""
        return replace(self, parts=tuple(rewrite(part) for part in self.parts))


#: What an arm does to the inputs of a seed.
Transform = Callable[[RunInputs, int], RunInputs]


def unchanged(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged."""
    return inputs


@dataclass(frozen=True)
class Arm:
    """One way to treat the task; whatever an arm does not change, it shares with all others."""

    name: str
    description: str
    """One line for the report."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the model's configuration."""
    transform: Transform = unchanged
    """Raises ValueError where the arm makes no sense for the inputs; nothing was trained then."""
