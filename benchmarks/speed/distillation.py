"""How much of the gain by the graph does a distilled student keep?

The task of ``kgbert demo``: for each seed, a teacher with the graph and a plain model are trained
on the training terms. Two students learn from the teacher on all terms of the categories that
neither validate nor test, without their labels: one with half of the blocks, which reads the graph,
and one with all blocks, which does not. All are tested on the same terms. Epochs and batch size of
the students were chosen on validation terms of seed 0.

    python -m benchmarks.speed.distillation     # 3 seeds, about a quarter of an hour

writes benchmarks/results/distillation.json after each seed; what it has is not repeated.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import kgbert
from benchmarks import RESULTS
from benchmarks.environment import environment
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.arms.verdict_arms import BASELINE
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.demo.icd import inclusion_terms, titled, titles
from kgbert.demo.study import SIZES, demo_study
from kgbert.training.config import TrainingConfig
from kgbert.training.train import TrainedModel
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "distillation.json"

SEEDS = 3

#: The training of the students.
STUDENT = TrainingConfig(epochs=8, batch_size=16)
STUDENTS: dict[str, dict[str, Any]] = {
    "half of the blocks": {},
    "without the graph": {"with_graph": False},
}


def main() -> None:
    """Run the missing seeds, and write the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--categories", type=int, default=SIZES["short"].categories)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    results: dict[str, Any] = {"runs": []}
    if arguments.out.exists():
        results = json.loads(arguments.out.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        size = replace(SIZES["short"], categories=arguments.categories)
        study = demo_study(Path(folder), size, progress=reporter.steps("encoding entities"))
        for seed in range(len(results["runs"]), arguments.seeds):
            texts = _unlabelled(study, seed)
            run = {"seed": seed, **scores(study, seed, texts, Path(folder))}
            manifest = {
                "question": (__doc__ or "").splitlines()[0],
                "encoder": study.backbone_name,
                "texts": len(texts),
                **environment("kgbert", "torch", "transformers"),
            }
            results = manifest | {"runs": [*results["runs"], run]}
            write_atomically(arguments.out, json.dumps(results, indent=1) + "\n")
            reporter.message(json.dumps(run))


def scores(study: Study, seed: int, texts: list[Example], folder: Path) -> dict[str, float]:
    """Return the accuracy of the teacher, of the plain model and of the students."""
    test = list(study.split(seed).test)
    teacher = _trained(study, seed)
    plain = _trained(study, seed, **ARMS[BASELINE].options)
    found = {"teacher": teacher.test_metrics["accuracy"], BASELINE: plain.test_metrics["accuracy"]}
    for name, options in STUDENTS.items():
        result = kgbert.distil(
            teacher,
            texts,
            output=folder / "student",
            test=test,
            max_loss=100.0,
            config=STUDENT,
            seed=seed,
            **options,
        )
        found[name] = result.measurements[-1].score / 100
    return found


def _trained(study: Study, seed: int, **options: Any) -> TrainedModel:
    """Return a model trained with the configuration of the demo."""
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


def _unlabelled(study: Study, seed: int) -> list[Example]:
    """Return the terms of all categories that neither validate nor test."""
    assert study.grounding is not None
    codes = titles(study.grounding.entities.values())
    split = study.split(seed)
    held_out = {term.text for term in (*split.validation, *split.test)}
    return [
        Example(term.text) for term in titled(inclusion_terms(), codes) if term.text not in held_out
    ]


if __name__ == "__main__":
    main()
