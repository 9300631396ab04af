"""Do paths in a graph help to choose answers? CommonsenseQA with the English ConceptNet.

The entities of a question and those of its choices are linked by name. Each seed draws its own
questions from the official training part; the validation part is divided once, into questions that
decide when to stop and questions that are scored. The official test part is not touched. All arms
share one training setting, which was not tuned on this task. The arm ``knowledge`` scores paths;
with --inject, it injects the entities as well.

    python -m benchmarks.grounding.csqa --data ../shared/data --seeds 6

writes benchmarks/results/grounding_csqa.json; finished runs are kept in --folder.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.data import Example, read_examples
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import encode_entities, unread_features
from kgbert.graph.read import read_graph
from kgbert.linking.factory import make_linker, share_features
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "grounding_csqa.json"

#: Questions of the validation part that decide when to stop; the others are scored.
STOPPING = 200

#: The knowledge arm scores paths; its controls permute entities, exchange edges, ignore relations.
ARM_NAMES = ("plain", "knowledge", "shuffled", "rewired-edges", "path-counts")


@dataclass(frozen=True)
class DrawnQuestions:
    """Draws each seed's training questions; validation and test are the same for all."""

    train: Sequence[Example]
    held_out: Sequence[Example]
    size: int
    scored: int

    def __call__(self, seed: int) -> Split:
        """Return the questions of a seed."""
        drawn = np.random.default_rng(seed).permutation(len(self.train))[: self.size]
        order = np.random.default_rng(0).permutation(len(self.held_out)).tolist()
        parts = (order[:STOPPING], order[STOPPING : STOPPING + self.scored])
        return Split(
            [self.train[place] for place in drawn.tolist()],
            *([self.held_out[place] for place in part] for part in parts),
        )


def main() -> None:
    """Run the comparison and write its results without texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/csqa"))
    parser.add_argument("--train", type=int, default=400, help="training questions")
    parser.add_argument("--scored", type=int, default=1000, help="questions that are scored")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=2, help="most relations of a path")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--inject", action="store_true", help="inject the entities as well")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    task, reporter = TASKS["multiple-choice"], ProgressReporter()
    graph = read_graph(arguments.data / "graphs" / "conceptnet_en" / "conceptnet_en.csv.gz")
    folder = arguments.data / "tasks" / "csqa"
    train, held_out = (
        read_examples(folder / f"{part}.jsonl", task) for part in ("train", "validation")
    )
    backbone = str(checked_backbone())
    if arguments.inject:
        features = encode_entities(graph, backbone, progress=reporter.steps("encoding entities"))
    else:
        features = unread_features(graph, backbone)
    options: dict[str, Any] = {} if arguments.inject else {"injected_layers": []}
    linker = make_linker(graph, "dictionary")
    share_features(features, linker)
    study = Study(
        name=f"CommonsenseQA, {arguments.train} training questions",
        folder=arguments.folder,
        graph=graph,
        features=features,
        backbone=backbone,
        linker=linker,
        task=task,
        split=DrawnQuestions(train, held_out, arguments.train, arguments.scored),
        path_steps=arguments.steps,
        arms=[ARMS[name] for name in ARM_NAMES],
        seeds=range(arguments.seeds),
        training_configs={
            "default": TrainingConfig(epochs=arguments.epochs, batch_size=16, options=options)
        },
        max_examples=0,
        keeps_model=False,
    )
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out)


if __name__ == "__main__":
    main()
