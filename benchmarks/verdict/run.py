"""Does the graph help on the tasks of ``tasks.py``, and compared with which baseline?

Each task is one process. Each seed draws a few hundred texts from a task's official training and
validation parts; the test texts are always the same (``diagnoses`` draws its own). On the
seven tasks, each arm's learning rate is chosen from one grid, by validation scores of
the first two seeds; on the further tasks, all arms have the default rate. Everything else is equal
for all arms.

    python -m benchmarks.verdict.run bc5cdr
    python -m benchmarks.verdict.run bc5cdr      # a second process shares the runs with the first
    python -m benchmarks.verdict.run bc5cdr --arms plain,knowledge,shuffled,"typed-markers"
    python -m benchmarks.verdict.run bc5cdr --backbone bert-base-uncased    # another encoder
    python -m benchmarks.verdict.run translation --backbone Helsinki-NLP/opus-mt-en-fr
    python -m benchmarks.verdict.run bc5cdr --smoke     # smallest run, writes no result

The results are written to benchmarks/results/verdict/bc5cdr.json, or with other arms than the five
core arms to benchmarks/results/all_arms/bc5cdr.json, when the last of the six seeds is finished.
Those of further tasks are written to benchmarks/results/further_tasks, and those of another encoder
to benchmarks/results/other_encoders; translation needs one that knows both languages
(``benchmarks.verdict.small_vocabulary``).
Finished runs are kept in --folder, and the same command resumes there. One core is used, so that
several tasks can run at the same time.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from benchmarks.verdict.tasks import FURTHER_TASKS, TASKS, SampledSplits
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.learning_rates import tuned
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.run_store import finished_run
from kgbert.comparison.study import Study
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker, share_features
from kgbert.tasks.registry import find_task
from kgbert.training.config import TrainingConfig
from kgbert.utils.logging import silence_libraries
from kgbert.utils.registry import lookup

#: The arms of every task; others are named with --arms.
CORE = ("plain", "knowledge", "shuffled", "mention-only", "verbalized-context")

SEEDS = tuple(range(6))

ALL_TASKS = TASKS | FURTHER_TASKS

#: The seeds that choose the learning rate of each arm.
TUNING_SEEDS = 2


def main() -> None:
    """Run the missing runs of a task, and write its results when all are finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=ALL_TASKS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/verdict"))
    parser.add_argument("--arms", type=partial(str.split, sep=","), default=CORE)
    parser.add_argument("--seeds", type=parse_integers, default=SEEDS, help="run only these seeds")
    parser.add_argument(
        "--all-seeds", type=parse_integers, default=SEEDS, help="all seeds of the result"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--backbone", metavar="NAME", help="folder or hub name of an encoder or encoder-decoder"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="few texts, random features, no result"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    study = build_study(arguments, arguments.backbone)
    rates = ALL_TASKS[arguments.task].rates
    if len(rates) > 1 and not arguments.smoke:
        study = tuned(study, rates, seeds=TUNING_SEEDS, progress=ProgressReporter().message)
    run_study(replace(study, seeds=arguments.seeds), progress=ProgressReporter().message)
    if arguments.smoke:
        return
    missing = [
        (arm.name, seed)
        for arm in study.arms
        for seed in study.seeds
        if finished_run(study, arm, seed) is None
    ]
    if missing:
        print(f"no result yet: {len(missing)} runs are missing, the first {missing[0]}")
        return
    results = run_study(study, progress=ProgressReporter().message)
    print(render_table(results))
    write_result(results, _result_path(arguments, study))


def build_study(arguments: argparse.Namespace, backbone: str | None = None) -> Study:
    """Return the study of a task, before its learning rates are tuned.

    Args:
        arguments: Those of the command line.
        backbone: Hub name or folder of the encoder; None for that of ``kgbert demo``.
    """
    task = ALL_TASKS[arguments.task]
    folder = arguments.folder / (f"smoke-{arguments.task}" if arguments.smoke else arguments.task)
    folder.mkdir(parents=True, exist_ok=True)
    graph = task.graph(arguments.data, arguments.folder)
    splits = task.splits(arguments.data)
    backbone = backbone or str(checked_backbone())
    if arguments.smoke and isinstance(splits, SampledSplits):
        splits = replace(splits, sizes=(40, 20, 20))
    training_config = TrainingConfig(
        epochs=1 if arguments.smoke else task.epochs,
        batch_size=task.batch_size,
        options={"pooling": task.pooling, **task.options},
    )
    features = _random_features(graph) if arguments.smoke else _features(graph, backbone)
    linker = make_linker(graph, task.linker.format(backbone=backbone))
    share_features(features, linker)
    return Study(
        name=task.title,
        folder=folder,
        graph=graph,
        features=features,
        backbone=backbone,
        # Tuning and comparison link the same texts.
        linker=CachingLinker(linker),
        task=find_task(task.task),
        split=splits,
        path_steps=task.path_steps,
        arms=[lookup(ARMS, name.strip(), "arm") for name in arguments.arms],
        seeds=arguments.all_seeds,
        training_configs={"default": training_config},
        max_examples=0,
        keeps_model=False,
    )


def _features(graph: KnowledgeGraph, backbone: str) -> EntityFeatures:
    return encode_entities(graph, backbone, progress=ProgressReporter().steps("encoding entities"))


def _random_features(graph: KnowledgeGraph) -> EntityFeatures:
    """Return random features, which need no encoder."""
    vectors = np.random.default_rng(0).standard_normal((len(graph), 384)).astype(np.float16)
    return EntityFeatures(vectors, "random", "random", graph.hash)


def _result_path(arguments: argparse.Namespace, study: Study) -> Path:
    task, core = arguments.task, {arm.name for arm in study.arms} == set(CORE)
    if arguments.backbone:
        name = study.backbone_name.rpartition("/")[2]
        return RESULTS / "other_encoders" / f"{task}-{name}.json"
    folder = ("further_tasks" if task in FURTHER_TASKS else "verdict") if core else "all_arms"
    return RESULTS / folder / f"{task}.json"


def parse_integers(text: str) -> tuple[int, ...]:
    """Return the integers of a comma-separated argument."""
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main()
