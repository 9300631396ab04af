"""Build the study that a command's arguments describe."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kgbert.cli.core.progress import ProgressReporter
from kgbert.cli.options.graph import graph_of
from kgbert.cli.options.linker import linker_of
from kgbert.cli.options.training import split_of, task_of, training_config_of
from kgbert.data import Example

if TYPE_CHECKING:
    from kgbert.comparison.arms.registry import Arm
    from kgbert.comparison.study import Study
    from kgbert.features.entity_features import EntityFeatures
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.linking.mention import Linker


def study_of(
    arguments: Namespace, arms: Sequence["Arm"], seeds: Sequence[int], reporter: ProgressReporter
) -> "Study":
    """Return the study, and report progress while texts, graph and backbone are read.

    Quick checks come first, so that a mistyped name fails at once.
    """
    task = task_of(arguments)
    split = split_of(arguments, task, seeds)
    reporter.message(f"reading {arguments.graph}")
    graph = graph_of(arguments)
    # Report this first, because torch and transformers take seconds to load.
    reporter.message(f"{graph!r}; loading {arguments.backbone}")
    from kgbert.cli.core.checks import check_backbone

    check_backbone(arguments.backbone)
    from kgbert.comparison.run import check_arms
    from kgbert.comparison.study import Study
    from kgbert.features.entity_features import encode_entities

    training_config = training_config_of(arguments)
    study = Study(
        name=arguments.output.absolute().name,
        folder=arguments.output,
        graph=graph,
        features=_no_features(graph),
        backbone=arguments.backbone,
        linker=_linker(arguments, graph, split(seeds[0]).train),
        task=task,
        split=split,
        arms=arms,
        seeds=seeds,
        training_configs={arm.name: training_config for arm in arms},
    )
    # Arms are checked before the entity features are computed, which can take long.
    check_arms(study)
    reporter.message(f"encoding {len(graph):,} entities, unless that was done before")
    progress = reporter.steps("encoding entities")
    return replace(study, features=encode_entities(graph, arguments.backbone, progress=progress))


def _linker(arguments: Namespace, graph: "KnowledgeGraph", train: Sequence[Example]) -> "Linker":
    """Return the linker, after a check that it links the training texts."""
    from kgbert.comparison.checks.examples import check_linked

    linker = linker_of(arguments, graph)
    # Checked before the comparison, because encoding the entities can take long.
    check_linked(graph, linker, [example.text for example in train])
    return linker


def _no_features(graph: "KnowledgeGraph") -> "EntityFeatures":
    import numpy as np

    from kgbert.features.entity_features import EntityFeatures

    return EntityFeatures(np.zeros((len(graph), 1), np.float16), "", "", graph.hash)
