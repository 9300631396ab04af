"""What a training or a comparison reads, as a command's arguments name it."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kgbert.cli.core.progress import ProgressReporter
from kgbert.cli.options.graph import graph_of
from kgbert.cli.options.linker import linker_of
from kgbert.cli.options.training import split_of, task_of, training_config_of

if TYPE_CHECKING:
    from kgbert.comparison.arms.registry import Arm
    from kgbert.comparison.study import Study
    from kgbert.data.splits import Split
    from kgbert.features.entity_features import EntityFeatures
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.mention import Linker
    from kgbert.tasks.base import Task
    from kgbert.training.train import TrainingInputs


@dataclass(frozen=True)
class _Sources:
    """The inputs of a training, except the entity features, which can take long to compute."""

    task: "Task"
    split: "Callable[[int], Split]"
    graph: "KnowledgeGraph"
    linker: "Linker"


def training_inputs_of(
    arguments: Namespace, seed: int, reporter: ProgressReporter
) -> "tuple[TrainingInputs, Split]":
    """Return the inputs of a training, and the split of its seed."""
    sources = _sources_of(arguments, [seed], reporter)
    from kgbert.training.train import TrainingInputs

    features = _features_of(arguments, sources.graph, reporter)
    inputs = TrainingInputs(
        sources.task, sources.graph, features, sources.linker, arguments.backbone
    )
    return inputs, sources.split(seed)


def study_of(
    arguments: Namespace, arms: Sequence["Arm"], seeds: Sequence[int], reporter: ProgressReporter
) -> "Study":
    """Return the study that a comparison runs."""
    sources = _sources_of(arguments, seeds, reporter)
    from kgbert.comparison.run import check_arms
    from kgbert.comparison.study import Study

    training_config = training_config_of(arguments)
    study = Study(
        name=arguments.output.absolute().name,
        folder=arguments.output,
        graph=sources.graph,
        features=_no_features(sources.graph),
        backbone=arguments.backbone,
        linker=sources.linker,
        task=sources.task,
        split=sources.split,
        arms=arms,
        seeds=seeds,
        training_configs={arm.name: training_config for arm in arms},
    )
    # Whether an arm fits the study does not depend on the features, which may take long to encode.
    check_arms(study)
    return replace(study, features=_features_of(arguments, sources.graph, reporter))


def _sources_of(arguments: Namespace, seeds: Sequence[int], reporter: ProgressReporter) -> _Sources:
    """Read texts and graph and check the backbone; what is quick to check comes first."""
    task = task_of(arguments)
    split = split_of(arguments, task, seeds)
    reporter.message(f"reading {arguments.graph}")
    graph = graph_of(arguments)
    # Torch and transformers take seconds to load: the message comes before.
    reporter.message(f"{graph!r}; loading {arguments.backbone}")
    from kgbert.cli.core.checks import check_backbone
    from kgbert.linking.analysis.diagnosis import check_linked

    check_backbone(arguments.backbone)
    linker = linker_of(arguments, graph)
    # Before the entities are encoded, which may take long.
    check_linked(graph, linker, [text for x in split(seeds[0]).train for text in x.texts])
    return _Sources(task, split, graph, linker)


def _features_of(
    arguments: Namespace, graph: "KnowledgeGraph", reporter: ProgressReporter
) -> "EntityFeatures":
    from kgbert.features.entity_features import encode_entities

    reporter.message(f"encoding {len(graph):,} entities, unless that was done before")
    progress = reporter.steps("encoding entities")
    return encode_entities(graph, arguments.backbone, progress=progress)


def _no_features(graph: "KnowledgeGraph") -> "EntityFeatures":
    import numpy as np

    from kgbert.features.entity_features import EntityFeatures

    return EntityFeatures(np.zeros((len(graph), 1), np.float16), "", "", graph.hash)
