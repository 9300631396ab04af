"""Does pretraining help on a task, alone or with injection, and more than a control of equal cost?

Five encoders are pretrained with the same number of steps: on the task's own training texts without
labels (``tapt``), on news of another domain (``other-text``), on the task's graph in words
(``ontology``), on another graph (``other-ontology``), and on the strings of the task's graph paired
with themselves (``identity``). Each of them, and the backbone, is fine-tuned with and without
injection on the paired seeds of the verdict benchmark.

    python -m benchmarks.pretraining.run gsc_hpo --steps 400 --seeds 0,1,2,3,4,5
    python -m benchmarks.pretraining.run gsc_hpo --smoke     # smallest run, writes no result

The results are written to benchmarks/results/pretraining/gsc_hpo.json. Pretrained encoders and
finished runs are kept in --folder, and the same command resumes there. A step of MiniLM takes about
a second of one core.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import RESULTS
from benchmarks.verdict.run import SEEDS, build_study, parse_integers, without_items
from benchmarks.verdict.tasks import TASKS, SampledSplits
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.pretrained import pretrained_arms
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.pretraining.config import GRAPH_CONFIG, MaskingConfig, PretrainingConfig
from kgbert.pretraining.ontology import pretrain_on_graph
from kgbert.pretraining.output import PretrainedEncoder
from kgbert.pretraining.pretrain import pretrain
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

#: The task whose graph is the control of a task's graph, and the corpus of another domain.
OTHER_GRAPH = {"gsc_hpo": "bc5cdr", "bc5cdr": "gsc_hpo", "ncbi_disease": "bc5cdr"}
OTHER_TEXT = "finance_reuters.jsonl.gz"


def main() -> None:
    """Pretrain the missing encoders, run the missing runs, and write the results of a task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=OTHER_GRAPH)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/pretraining"))
    parser.add_argument("--steps", type=int, default=400, help="steps of each pretraining (400)")
    parser.add_argument("--seeds", type=parse_integers, default=SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--smoke", action="store_true", help="few texts and steps, random features, no result"
    )
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.steps = 2
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    arguments.arms, arguments.all_seeds = ("plain", "knowledge"), arguments.seeds
    study = build_study(arguments)
    reporter = ProgressReporter()
    folders = pretrained_folders(arguments, study.graph, study.backbone, reporter)
    # Every arm on another encoder has features of its own, which a smoke test does not encode.
    added = [] if arguments.smoke else pretrained_arms(folders, study.graph, reporter)
    study = replace(study, arms=[*study.arms, *added])
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    if not arguments.smoke:
        stored = results.with_runs([without_items(run) for run in results.runs])
        path = RESULTS / "pretraining" / f"{arguments.task}.json"
        write_atomically(path, json.dumps(stored.to_json(), indent=1) + "\n")


def pretrained_folders(
    arguments: argparse.Namespace,
    graph: KnowledgeGraph,
    backbone: str,
    reporter: ProgressReporter,
) -> list[Path]:
    """Return the folders of the pretrained encoders, after pretraining those that are missing."""
    own = TASKS[arguments.task].splits(arguments.data)
    assert isinstance(own, SampledSplits)
    limits: dict[str, Any] = {
        "max_steps": arguments.steps,
        "epochs": 1_000,
        "evaluations": 10,
        "patience": 10,
    }
    if arguments.smoke:
        limits |= {"evaluations": 1, "held_out": 0.001}
    texts = partial(
        pretrain,
        backbone=backbone,
        config=PretrainingConfig(batch_size=16, **limits),
        masking=MaskingConfig(),
        reporter=reporter,
    )
    pairs = partial(
        pretrain_on_graph,
        backbone=backbone,
        config=replace(GRAPH_CONFIG, **limits),
        reporter=reporter,
    )
    other = TASKS[OTHER_GRAPH[arguments.task]].graph(arguments.data, arguments.folder)
    ways: dict[str, Callable[..., PretrainedEncoder]] = {
        "tapt": partial(texts, own.folder / "train.jsonl", graph=graph),
        "other-text": partial(texts, arguments.data / "corpora" / OTHER_TEXT),
        "ontology": partial(pairs, graph),
        "other-ontology": partial(pairs, other),
        "identity": partial(pairs, graph, pairs=("identity",)),
    }
    prefix = "smoke-" if arguments.smoke else ""
    folders = []
    for name, way in ways.items():
        folder = arguments.folder / f"{prefix}{arguments.task}-encoders" / name
        if not (folder / "config.json").exists():
            reporter.message(f"pretraining {name}")
            way(output=folder)
        folders.append(folder)
    return folders


if __name__ == "__main__":
    main()
