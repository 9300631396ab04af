"""The definition of a comparison: arms and seeds on one task, everything else equal."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kgbert import __version__
from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.fingerprint import describe_code, package_hash
from kgbert.comparison.results import LearningCurvePoint, TuningResult
from kgbert.comparison.statistics.power import seeds_needed
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.factory import component_linkers, linker_settings
from kgbert.linking.grounding import Grounding
from kgbert.linking.mention import Linker
from kgbert.tasks.base import Task
from kgbert.training.config import TrainingConfig
from kgbert.utils.paths import without_folders


@dataclass(frozen=True)
class Study:
    """The definition of a comparison."""

    name: str
    folder: Path
    graph: KnowledgeGraph
    features: EntityFeatures
    backbone: str
    """Hub name or folder of the plain checkpoint."""
    linker: Linker
    task: Task
    split: Callable[[int], Split]
    """The texts of a seed."""
    arms: Sequence[Arm]
    seeds: Sequence[int]
    training_configs: Mapping[str, TrainingConfig]
    """Training configuration by arm; other arms use the one named ``default``."""
    grounding: Grounding | None = None
    """The entities of the labels; None if the labels are not grounded."""
    path_steps: int = 0
    """Largest number of steps of the paths that are scored; 0 for no paths."""
    also_test: Mapping[str, Sequence[Example]] = field(default_factory=dict)
    """Further texts that every run is tested on, by name."""
    max_examples: int = 6
    """How many texts the report may quote."""
    keeps_model: bool = True
    """Whether the best model is saved in the folder."""
    includes_graph: bool | None = None
    """Whether the graph is saved with it; None leaves that to the card of the graph's licence."""
    learning_curve: Sequence[LearningCurvePoint] = ()
    """Results with fewer training texts."""
    command: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the command that started the study, to reproduce it."""
    seed_hint: str = f"Run the same command with --seeds {seeds_needed()} or more."
    """What to do where the seeds are too few for a verdict."""
    budget: Sequence[str] = ()
    """What was planned for the time given, as stated by
    :func:`kgbert.comparison.budget.within_budget`."""
    tuning: TuningResult | None = None
    """How the rates were chosen, by :func:`kgbert.comparison.learning_rates.tuned`."""

    @property
    def backbone_name(self) -> str:
        """The name of the backbone without local folders."""
        return without_folders(self.backbone)

    def training_config(self, arm: Arm) -> TrainingConfig:
        """Return the training configuration of an arm."""
        shared = self.training_configs.get("default", TrainingConfig())
        return self.training_configs.get(arm.name, shared).changed(arm.training)

    def fingerprint(self, arm: Arm, seed: int) -> str:
        """Return a hash of all inputs of a run, which identifies a finished run."""
        inputs = {
            "kgbert": __version__,
            "code": package_hash(),
            "graph": self.graph.hash,
            "features": self.features.hash,
            "backbone": self.backbone_name,
            "linker": describe_linker(self.linker),
            "mentions": self._mentions_hash(seed),
            "task": self.task.name,
            "labels": self.grounding.hash if self.grounding else "",
            "path_steps": self.path_steps,
            "arm": describe_arm(arm),
            "seed": seed,
            "training_config": asdict(self.training_config(arm)),
            "texts": self.split(seed).hash,
            "also_test": {name: Split(x, (), ()).hash for name, x in self.also_test.items()},
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    def _mentions_hash(self, seed: int) -> str:
        """Return a hash of the mentions of a custom linker, which has no settings to hash."""
        if not isinstance(describe_linker(self.linker), str):
            return ""
        texts = [
            text for part in self.split(seed).parts() for example in part for text in example.texts
        ]
        return hashlib.sha256(repr(self.linker(texts)).encode()).hexdigest()


def describe_arm(arm: Arm) -> Any:
    """Return the name of a built-in arm, or name, options and code of a custom arm."""
    if ARMS.get(arm.name) is arm:
        return arm.name
    return {
        "name": arm.name,
        "options": {name: repr(value) for name, value in arm.options.items()},
        "transform": describe_code(arm.transform),
    }


def describe_linker(linker: Linker) -> Any:
    """Return a linker's settings without local folders, or the name of a custom linker."""
    try:
        parts = linker_settings(linker)
    except ValueError:
        own = component_linkers(linker)
        return "+".join(getattr(part, "__qualname__", type(part).__qualname__) for part in own)
    return [
        {
            name: without_folders(value) if isinstance(value, str) else value
            for name, value in part.items()
        }
        for part in parts
    ]
