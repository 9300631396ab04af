"""Arms that start from encoders that were pretrained further."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kgbert.comparison.arms.arm import Arm, RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import Features, gather_features
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.pretraining.record import pretraining_record
from kgbert.utils.progress import Reporter


@dataclass(frozen=True)
class UseEncoder:
    """Replaces backbone and entity features by those of another encoder."""

    folder: str
    name: str
    """The name of the encoder in the report."""
    features: EntityFeatures
    weights: str = ""
    """SHA-256 of the weights, where the features come from another encoder."""

    def __call__(self, inputs: RunInputs, seed: int) -> RunInputs:
        """Return the inputs with the other encoder."""
        return replace(inputs, backbone=self.folder, features=self.features)


def encoders_of(arms: Sequence[Arm]) -> dict[str, str]:
    """Return the names of the encoders that arms start from instead of the backbone, by folder."""
    uses = (arm.transform for arm in arms if isinstance(arm.transform, UseEncoder))
    return {use.folder: use.name for use in uses}


def pretrained_arms(
    folders: Sequence[str | Path],
    graph: KnowledgeGraph,
    reporter: Reporter,
    sources: Features = None,
) -> list[Arm]:
    """Return a plain and a knowledge arm on each encoder, named after its folder.

    Args:
        folders: Folders of encoders, usually made by :func:`kgbert.pretrain`.
        graph: The graph, whose entities each encoder encodes anew.
        reporter: Shows the progress.
        sources: The sources of the entities' vectors.
    """
    arms = []
    for folder in map(str, folders):
        name, record = Path(folder).absolute().name, pretraining_record(folder)
        origin = f"after {record.description}" if record else "without a record of its origin"
        reporter.message(f"encoding {len(graph):,} entities with {folder}")
        steps = reporter.steps("encoding entities")
        features, _ = gather_features(graph, folder, sources, progress=steps)
        use = UseEncoder(folder, name, features)
        arms += arms_on(f"on the encoder {name}, {origin}", use)
    return arms


def arms_on(
    origin: str, use: UseEncoder, options: Mapping[str, Any] = MappingProxyType({})
) -> list[Arm]:
    """Return a plain and a knowledge arm on another encoder.

    Args:
        origin: Where the encoder comes from, for the description.
        use: Makes the runs use it.
        options: Options of the model that the weights of the encoder fit.
    """
    return [
        Arm(
            f"{role}-{use.name}",
            f"{ARMS[role].description}; {origin}",
            {**options, **ARMS[role].options},
            use,
        )
        for role in (BASELINE, MAIN)
    ]
