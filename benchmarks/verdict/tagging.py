"""What does a mention tell about the tags of its words?

The tagging tasks of ``tasks.py`` with the default settings of ``kgbert train``; no learning rate is
searched. ``knowledge`` is the default model: entities are injected, and mentions and the classes
above them count as evidence for the tags. ``injection`` leaves out this evidence, ``paths`` the
injection, and ``dictionary`` the encoder. Each seed draws its training and validation sentences,
the test sentences are always the same. The protocol was written before any of these test scores
was seen; the evidence was developed on sentences of the validation parts.

    python -m benchmarks.verdict.tagging bc5cdr
    python -m benchmarks.verdict.tagging bc5cdr     # a second process shares the runs

writes benchmarks/results/tagging/bc5cdr.json; 42 runs, about an hour of one core. Finished runs are
kept in --folder, and the same command resumes there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from benchmarks.verdict.run import build_study
from benchmarks.verdict.tasks import TASKS
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.training.config import TrainingConfig
from kgbert.utils.logging import silence_libraries

ARM_NAMES = ("plain", "knowledge", "shuffled", "mention-only", "paths", "dictionary")

INJECTION = Arm(
    "injection", "reads the graph, and counts nothing above a mention", {"path_steps": 0}
)

SEEDS = 6


def main() -> None:
    """Run the missing runs of a task, and write its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tagging = [name for name, task in TASKS.items() if task.task == "token-classification"]
    parser.add_argument("task", choices=tagging)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/tagging"))
    parser.set_defaults(arms=ARM_NAMES, all_seeds=range(SEEDS), smoke=False)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    study = build_study(arguments)
    study = replace(
        study,
        path_steps=1,
        arms=[*study.arms, INJECTION],
        training_configs={"default": TrainingConfig()},
    )
    results = run_study(study, progress=ProgressReporter().message)
    print(render_table(results))
    write_result(results, RESULTS / "tagging" / f"{arguments.task}.json")


if __name__ == "__main__":
    main()
