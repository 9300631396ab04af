"""Which learning rates suit each arm of the demo, with as many texts as its sizes train on?

The same grid for every arm, on the demo's validation categories, with seeds that the demo never
uses; no test category is looked at. A grid goes on until no arm's best rate lies at its edge. The
rates with the best mean accuracy, of equals the higher, are those of ``kgbert.demo.study.SIZES``.

    python -m benchmarks.verdict.demo_learning_rates

writes benchmarks/results/demo_search.json; finished runs are kept in --folder.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import RESULTS
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.manifest import manifest
from kgbert.comparison.run import run_arm
from kgbert.comparison.study import Study, TrainingConfig
from kgbert.comparison.tuning import ValidationOnly
from kgbert.demo.study import RECIPES, SIZES, Size, demo_study
from kgbert.linking.caching import RememberingLinker
from kgbert.utils.atomic_write import write_atomically

RESULT = RESULTS / "demo_search.json"

#: By the name of the size.
GRIDS = {"short": (1e-4, 2e-4, 4e-4, 8e-4), "full": (5e-5, 1e-4, 2e-4, 4e-4)}

#: The demo's seeds begin at 0.
SEEDS = (1000, 1001)


def main() -> None:
    """Run the grids and write every score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/demo-search"))
    given = parser.parse_args()
    tried, chosen, manifests = [], [], []
    for name, grid in GRIDS.items():
        study = searched(given.folder, SIZES[name])
        training_configs = {}
        for arm in RECIPES:
            trials = []
            for rate in grid:
                scores = [score_of(study, arm, rate, seed) for seed in SEEDS]
                trials.append(
                    {"texts": SIZES[name].texts, "arm": arm, "rate": rate, "validation": scores}
                )
                print(f"{name} {arm:14} {rate:g}  {fmean(scores):.4f}", flush=True)
            tried += trials
            chosen.append(max(trials, key=goodness))
            training_configs[arm] = training_config_of(study, arm, chosen[-1]["rate"])
        manifests.append(manifest(replace(study, training_configs=training_configs), ""))
    found = {"seeds": SEEDS, "tried": tried, "chosen": chosen, "manifests": manifests}
    write_atomically(RESULT, json.dumps(found, indent=1) + "\n")


def goodness(trial: Mapping[str, Any]) -> tuple[float, float]:
    """Return what the best trial has most of; sums of the same accuracies differ in their end."""
    return round(fmean(trial["validation"]), 6), trial["rate"]


def searched(folder: Path, size: Size) -> Study:
    """Return the demo's study of a size with all arms, its test texts those of validation."""
    study = demo_study(folder, replace(size, rates=dict.fromkeys(RECIPES, 0.0) | size.rates))
    return replace(
        study,
        split=ValidationOnly(study.split),
        seeds=SEEDS,
        linker=RememberingLinker(study.linker),
    )


def training_config_of(study: Study, arm: str, rate: float) -> TrainingConfig:
    """Return an arm's training configuration with another learning rate of the encoder."""
    return replace(study.training_config(ARMS[arm]), encoder_learning_rate=rate)


def score_of(study: Study, arm: str, rate: float, seed: int) -> float:
    """Return the validation accuracy of a run, from the folder if it was done before."""
    trial = replace(study, training_configs={arm: training_config_of(study, arm, rate)})
    path = trial.folder / f"{trial.fingerprint(ARMS[arm], seed)[:16]}.json"
    if not path.exists():
        record = run_arm(trial, ARMS[arm], seed).record
        write_atomically(path, json.dumps(record["validation"]))
    return float(json.loads(path.read_text())["accuracy"])


if __name__ == "__main__":
    main()
