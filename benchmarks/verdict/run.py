"""Does the graph help, on seven tasks, and against which rival?

Each task is one process. Of a task's official training and validation parts each seed draws a few
hundred texts of its own; the test texts are always the same (the demo draws its own, as
``kgbert demo`` does). Each arm's learning rate is chosen from one grid on the validation texts of
the first two seeds; everything else is the same for all.

    python -m benchmarks.verdict.run bc5cdr
    python -m benchmarks.verdict.run bc5cdr     # once more, beside the first: they share the runs
    python -m benchmarks.verdict.run bc5cdr --arms plain,knowledge,shuffled,typed-markers

write benchmarks/results/verdict/bc5cdr.json, and with other arms than the five that every task has
results/all_arms/bc5cdr.json, when the last of the six seeds is finished; finished runs are kept in
--folder, and the same command goes on from there. One core is used, so that several tasks can run
side by side.
"""

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.verdict.tasks import TASKS, DrawnParts
from kgbert.cli.core.progress import ShowProgress, show_run, show_trial
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import compare
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.run_store import Run, finished_run
from kgbert.comparison.study import Study, TrainingConfig
from kgbert.comparison.tuning import tuned
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.caching import RememberingLinker
from kgbert.linking.factory import make_linker, share_features
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries
from kgbert.utils.registry import lookup

#: What a verdict has to stand up to first; the other arms are asked for by name.
CORE = ("plain", "knowledge", "shuffled", "mention-only", "verbalized-context")

SEEDS = tuple(range(6))

#: Learning rates of the encoder that are tried for every arm on every task, with so many seeds.
RATES = (1e-4, 2e-4, 4e-4)
TRIED_SEEDS = 2


def main() -> None:
    """Do what is missing of a task, and write its results if nothing is missing any more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/verdict"))
    parser.add_argument("--arms", type=partial(str.split, sep=","), default=CORE)
    parser.add_argument("--seeds", type=numbers, default=SEEDS, help="run these only")
    parser.add_argument("--all-seeds", type=numbers, default=SEEDS, help="that the result needs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="few texts, no sense, no result")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    silence_libraries()
    study = study_of(given)
    rates = RATES[:1] if given.smoke else RATES
    study = tuned(study, rates, seeds=TRIED_SEEDS, progress=show_trial)
    results = compare(replace(study, seeds=given.seeds), progress=show_run)
    if given.smoke:
        return
    lacking = [
        (arm.name, seed)
        for arm in study.arms
        for seed in study.seeds
        if finished_run(study, arm, seed) is None
    ]
    if lacking:
        print(f"no result yet: {len(lacking)} runs are missing, the first {lacking[0]}")
        return
    results = compare(study, progress=show_run)
    print(render_table(results))
    write_result(given.task, study)


def study_of(given: argparse.Namespace) -> Study:
    """Return the study of a task, before its learning rates are chosen."""
    task = TASKS[given.task]
    folder = given.folder / (f"smoke-{given.task}" if given.smoke else given.task)
    folder.mkdir(parents=True, exist_ok=True)
    graph = task.graph(given.data, given.folder)
    splits = task.splits(given.data)
    backbone = str(checked_backbone())
    if given.smoke and isinstance(splits, DrawnParts):
        splits = replace(splits, sizes=(40, 20, 20))
    training_config = TrainingConfig(
        epochs=1 if given.smoke else task.epochs,
        batch_size=task.batch_size,
        options={"pooling": task.pooling},
    )
    features = _random_features(graph) if given.smoke else _features(graph, backbone)
    linker = make_linker(graph, task.linker.format(backbone=backbone))
    share_features(features, linker)
    return Study(
        name=task.title,
        folder=folder,
        graph=graph,
        features=features,
        backbone=backbone,
        # The search and the comparison read the same texts.
        linker=RememberingLinker(linker),
        split=splits,
        arms=[lookup(ARMS, name.strip(), "arm") for name in given.arms],
        seeds=given.all_seeds,
        training_configs={"default": training_config},
        max_examples=0,
        keeps_model=False,
    )


def _features(graph: KnowledgeGraph, backbone: str) -> EntityFeatures:
    return encode_entities(graph, backbone, progress=ShowProgress("encoding entities:"))


def _random_features(graph: KnowledgeGraph) -> EntityFeatures:
    """Return features that take no time to make."""
    drawn = np.random.default_rng(0).standard_normal((len(graph), 384)).astype(np.float16)
    return EntityFeatures(drawn, "random", "random", graph.hash)


def write_result(task: str, study: Study) -> None:
    """Write what a task came to, without any of its texts and without the answers to them."""
    told = json.loads((study.folder / "results.json").read_text(encoding="utf-8"))
    told["runs"] = [without_answers(run) for run in told["runs"]]
    core = {arm.name for arm in study.arms} == set(CORE)
    path = RESULTS / ("verdict" if core else "all_arms") / f"{task}.json"
    write_atomically(path, json.dumps(told, indent=1) + "\n")


def without_answers(run: Run) -> Run:
    """Return a run's record without its answers text by text."""
    return {name: value for name, value in run.items() if name != "items"}


def numbers(typed: str) -> tuple[int, ...]:
    """Return the numbers of an argument."""
    return tuple(int(number) for number in typed.split(","))


if __name__ == "__main__":
    main()
