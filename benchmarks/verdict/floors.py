"""What does a linear model over TF-IDF reach on the tasks of the verdict, on the same texts?

The arm ``tf-idf`` on each task that has labels or a number for each text, with the seeds and texts
of ``run``. The strength of regularization is chosen on the validation texts of each seed.

    python -m benchmarks.verdict.floors --data ../shared/data

writes benchmarks/results/floors.json.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.verdict.run import ALL_TASKS, build_study
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.run import run_arm
from kgbert.tasks.registry import TASKS as LABELLED
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "floors.json"

#: As many as a result of ``run`` has after ``extend``.
SEEDS = 9


def main() -> None:
    """Score the linear model on each task, and write the scores by seed."""
    suitable = [name for name, task in ALL_TASKS.items() if LABELLED[task.task].suits_linear_model]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=suitable, default=suitable)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/verdict"))
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    scores = {name: _scores(name, arguments) for name in arguments.tasks}
    content = {
        "question": __doc__.splitlines()[0],
        **environment("kgbert", "scikit-learn"),
        "tasks": scores,
    }
    write_atomically(arguments.out, json.dumps(content, indent=1) + "\n")


def _scores(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the scores of a task by seed, and the metric."""
    given = argparse.Namespace(
        task=name,
        data=arguments.data,
        folder=arguments.folder,
        arms=["tf-idf"],
        all_seeds=range(arguments.seeds),
        smoke=False,
    )
    study = build_study(given)
    metric = study.task.metric
    scores = [run_arm(study, ARMS["tf-idf"], x).record.metrics[metric] for x in study.seeds]
    print(f"{name}: {metric} {fmean(scores):.3f}", flush=True)
    return {"metric": metric, "scores": scores}


if __name__ == "__main__":
    main()
