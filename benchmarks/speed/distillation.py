"""How much of the gain by the graph does a distilled student keep?

For each seed, a teacher with the graph and a plain model are trained on labelled texts. Students
learn from the teacher on these texts and on others, without labels, and all are tested on the same
texts. Epochs and batch size of the students were chosen on validation terms of seed 0 of
``diagnoses``, and its numbers of blocks and shares of the width are round numbers.

    python -m benchmarks.speed.distillation diagnoses     # the task of the demo, half an hour
    python -m benchmarks.speed.distillation phenotypes --data DATA      # GSC+, half an hour

writes benchmarks/results/distillation/diagnoses.json after each seed; what it has is not repeated.
"""

import argparse
import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

import kgbert
from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.verdict.tasks import TASKS, SampledSplits
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.arms.verdict_arms import BASELINE
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.demo.icd import inclusion_terms, titled, titles
from kgbert.demo.study import SIZES, checked_backbone, demo_study
from kgbert.features.entity_features import encode_entities
from kgbert.tasks.registry import TASKS as LABELLED
from kgbert.training.config import TrainingConfig
from kgbert.training.train import TrainedModel
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

SEEDS = 3

#: The training of the students.
STUDENT = TrainingConfig(epochs=8, batch_size=16)

#: Options of each student.
STUDENTS: dict[str, dict[str, Any]] = {
    "half of the blocks": {},
    "half of the heads and neurons": {"width": 0.5},
    "half of both": {"layers": 3, "width": 0.5},
    "without the graph": {"with_graph": False},
}
STATIC: dict[str, dict[str, Any]] = {
    "static embeddings": {"layers": 0},
    "static embeddings without the graph": {"layers": 0, "with_graph": False},
}


class Case(ABC):
    """A task on which students are compared with their teacher."""

    students: ClassVar[Mapping[str, dict[str, Any]]]
    metric: ClassVar[str]

    @abstractmethod
    def split(self, seed: int) -> Split:
        """Return the labelled texts of a seed."""

    @abstractmethod
    def unlabelled(self, seed: int) -> list[Example]:
        """Return texts that neither validate nor test, without labels."""

    @abstractmethod
    def train(self, seed: int, **options: Any) -> TrainedModel:
        """Return a model with these options, or the teacher if there are none."""


class Diagnoses(Case):
    """The task of ``kgbert demo``: terms of ICD-10-CM by their category."""

    students = STUDENTS | STATIC
    metric = "accuracy"

    def __init__(self, folder: Path, categories: int, reporter: ProgressReporter) -> None:
        size = replace(SIZES["short"], categories=categories)
        self.study: Study = demo_study(folder, size, progress=reporter.steps("encoding entities"))

    def split(self, seed: int) -> Split:
        """Return the terms of a seed."""
        return self.study.split(seed)

    def unlabelled(self, seed: int) -> list[Example]:
        """Return the terms of all categories that neither validate nor test."""
        assert self.study.grounding is not None
        codes = titles(self.study.grounding.entities.values())
        split = self.split(seed)
        held_out = {term.text for term in (*split.validation, *split.test)}
        terms = titled(inclusion_terms(), codes)
        return [Example(term.text) for term in terms if term.text not in held_out]

    def train(self, seed: int, **options: Any) -> TrainedModel:
        """Return a model trained with the configuration of the demo."""
        study = self.study
        config = study.training_configs["default"]
        assert study.grounding is not None
        return kgbert.train(
            study.graph,
            study.split,
            backbone=study.backbone,
            task=study.task,
            linker=study.linker,
            features=study.features,
            ground=None if options else study.grounding.entities,
            config=replace(config, options={**config.options, **options}),
            seed=seed,
        )


class Phenotypes(Case):
    """Phenotypes in sentences of GSC+ with the Human Phenotype Ontology."""

    students = STUDENTS
    metric = "F1"
    sentences = 600
    """Number of sentences without labels."""

    def __init__(self, data: Path, folder: Path, reporter: ProgressReporter) -> None:
        task = TASKS["gsc_hpo"]
        splits = task.splits(data)
        assert isinstance(splits, SampledSplits)
        self.splits, self.backbone = splits, str(checked_backbone())
        self.graph = task.graph(data, folder)
        progress = reporter.steps("encoding entities")
        self.features = encode_entities(self.graph, self.backbone, progress=progress)

    def split(self, seed: int) -> Split:
        """Return the sentences of a seed."""
        return self.splits(seed)

    @cached_property
    def _sentences(self) -> list[Example]:
        return self.splits.read(self.splits.folder, "train")

    def unlabelled(self, seed: int) -> list[Example]:
        """Return sentences of the official training part."""
        order = np.random.default_rng(seed).permutation(len(self._sentences))
        return [Example(self._sentences[place].text) for place in order[: self.sentences]]

    def train(self, seed: int, **options: Any) -> TrainedModel:
        """Return a model trained like those of the verdict benchmark, with the default rate."""
        task = TASKS["gsc_hpo"]
        return kgbert.train(
            self.graph,
            self.split,
            backbone=self.backbone,
            task=LABELLED[task.task],
            linker=task.linker,
            features=self.features,
            config=TrainingConfig(
                epochs=task.epochs, batch_size=task.batch_size, options=dict(options)
            ),
            seed=seed,
        )


def main() -> None:
    """Run the missing seeds, and write the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", choices=("diagnoses", "phenotypes"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--categories", type=int, default=SIZES["short"].categories)
    parser.add_argument("--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    out = arguments.out or RESULTS / "distillation" / f"{arguments.case}.json"
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    results: dict[str, Any] = {"runs": []}
    if out.exists():
        results = json.loads(out.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case: Case = (
            Diagnoses(folder, arguments.categories, reporter)
            if arguments.case == "diagnoses"
            else Phenotypes(arguments.data, folder, reporter)
        )
        for seed in range(len(results["runs"]), arguments.seeds):
            run = {"seed": seed, "models": measured(case, seed, folder)}
            manifest = {
                "question": (__doc__ or "").splitlines()[0],
                "metric": case.metric,
                "encoder": "/".join(Path(checked_backbone()).parts[-2:]),
                "texts": len(case.unlabelled(seed)),
                **environment("kgbert", "torch", "transformers"),
            }
            results = manifest | {"runs": [*results["runs"], run]}
            out.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(out, json.dumps(results, indent=1) + "\n")
            reporter.message(json.dumps(run))


def measured(case: Case, seed: int, folder: Path) -> dict[str, dict[str, float]]:
    """Return score, size and throughput of the teacher, the plain model and the students."""
    teacher, plain = case.train(seed), case.train(seed, **ARMS[BASELINE].options)
    metric = teacher.task.metric
    found = {"teacher": {}, BASELINE: {"score": plain.test_metrics[metric]}}
    for name, options in case.students.items():
        result = kgbert.distil(
            teacher,
            case.unlabelled(seed),
            output=folder / "student",
            test=list(case.split(seed).test),
            max_loss=100.0,
            config=STUDENT,
            seed=seed,
            **options,
        )
        for which, each in zip(("teacher", name), result.measurements, strict=True):
            found[which] = {
                "score": each.score / teacher.task.metrics[metric].scale,
                "mb": each.size / 1e6,
                "texts_per_second": each.throughput,
            }
        found[name]["speed"] = result.measurements[1].throughput / result.measurements[0].throughput
    return found


if __name__ == "__main__":
    main()
