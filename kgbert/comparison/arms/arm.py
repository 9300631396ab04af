"""The definition of an arm: a change of a run's inputs and of the model's options."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kgbert.data import Example
from kgbert.encoding.expansion import TextExpander
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.grounding import Grounding
from kgbert.linking.mention import Linker
from kgbert.tasks.base import Task


@dataclass(frozen=True)
class RunInputs:
    """The inputs of one run."""

    graph: KnowledgeGraph
    features: EntityFeatures
    linker: Linker
    backbone: str
    """Hub name or folder of the plain checkpoint."""
    parts: tuple[Sequence[Example], ...]
    """The texts for training, for validation and for the test."""
    task: Task
    expander: TextExpander | None = None
    """Appends tokens to the texts; None for no expansion."""
    grounding: Grounding | None = None
    """The entities of the labels, if the study grounds them."""
    path_steps: int = 0
    """Largest number of steps of the paths that are scored; 0 for no paths."""

    def rewritten(self, rewrite: Callable[[Sequence[Example]], list[Example]]) -> "RunInputs":
        """Return the inputs with each part of the texts rewritten."""
        return replace(self, parts=tuple(rewrite(part) for part in self.parts))


#: Changes the inputs of a seed.
Transform = Callable[[RunInputs, int], RunInputs]


def unchanged(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs unchanged."""
    return inputs


@dataclass(frozen=True)
class Arm:
    """One condition of a comparison; arms share everything that they do not change."""

    name: str
    description: str
    """One line for the report."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the model's configuration."""
    transform: Transform = unchanged
    """Raises ValueError before training where the arm does not apply to the inputs."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the training configuration, as for :meth:`kgbert.TrainingConfig.changed`."""
    learner: str = "encoder"
    """What learns the task: ``encoder``, ``linear`` for a linear model over TF-IDF, or
    ``evidence`` for the weights that are fitted before the training of an encoder."""
