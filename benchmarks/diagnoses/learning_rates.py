"""Which learning rates suit each arm on the diagnoses, at each size?

All arms share one grid, scored on the validation categories with seeds that ``run`` never uses; no
test category is read. A grid must extend until no arm's best rate is at its edge. The rate with the
best mean accuracy (the higher one of equals) is entered in ``benchmarks.diagnoses.run.SIZES``.

    python -m benchmarks.diagnoses.learning_rates

writes benchmarks/results/diagnoses_learning_rates.json; finished runs are kept in --folder.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import RESULTS
from benchmarks.diagnoses.run import RECIPES, SIZES, Size, diagnoses_study
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.learning_rates import ValidationOnly
from kgbert.comparison.manifest import manifest
from kgbert.comparison.run import run_arm
from kgbert.comparison.study import Study
from kgbert.linking.caching import CachingLinker
from kgbert.training.config import TrainingConfig
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.json_records import to_json

RESULT = RESULTS / "diagnoses_learning_rates.json"

#: Learning rates by size.
GRIDS = {"small": (1e-4, 2e-4, 4e-4, 8e-4), "large": (5e-5, 1e-4, 2e-4, 4e-4)}

#: Disjoint from the seeds of ``run``, which begin at 0.
SEEDS = (1000, 1001)


def main() -> None:
    """Run the grids and write all scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("kgbert-results/diagnoses-learning-rates")
    )
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    tried, chosen, manifests = [], [], []
    for name, grid in GRIDS.items():
        study = validation_study(arguments.folder, SIZES[name])
        training_configs = {}
        for arm in RECIPES:
            trials: list[dict[str, Any]] = []
            for rate in grid:
                scores = [validation_score(study, arm, rate, seed) for seed in SEEDS]
                trials.append(
                    {"texts": SIZES[name].texts, "arm": arm, "rate": rate, "validation": scores}
                )
                print(f"{name} {arm:14} {rate:g}  {fmean(scores):.4f}", flush=True)
            tried += trials
            chosen.append(max(trials, key=selection_key))
            training_configs[arm] = config_with_rate(study, arm, chosen[-1]["rate"])
        manifests.append(manifest(replace(study, training_configs=training_configs), ""))
    results = {
        "seeds": SEEDS,
        "tried": tried,
        "chosen": chosen,
        "manifests": [to_json(one) for one in manifests],
    }
    write_atomically(arguments.out, json.dumps(results, indent=1) + "\n")


def selection_key(trial: Mapping[str, Any]) -> tuple[float, float]:
    """Return mean accuracy, then learning rate; rounded, since sums differ in the last digits."""
    return round(fmean(trial["validation"]), 6), trial["rate"]


def validation_study(folder: Path, size: Size) -> Study:
    """Return the study of a size with all arms, tested on the validation texts."""
    study = diagnoses_study(
        folder, replace(size, rates={**dict.fromkeys(RECIPES, 0.0), **size.rates})
    )
    return replace(
        study,
        split=ValidationOnly(study.split),
        seeds=SEEDS,
        linker=CachingLinker(study.linker),
    )


def config_with_rate(study: Study, arm: str, rate: float) -> TrainingConfig:
    """Return an arm's training settings with another encoder learning rate."""
    return replace(study.training_config(ARMS[arm]), encoder_learning_rate=rate)


def validation_score(study: Study, arm: str, rate: float, seed: int) -> float:
    """Return the validation accuracy of a run; finished runs are read from the folder."""
    trial = replace(study, training_configs={arm: config_with_rate(study, arm, rate)})
    path = trial.folder / f"{trial.fingerprint(ARMS[arm], seed)[:16]}.json"
    if not path.exists():
        record = run_arm(trial, ARMS[arm], seed).record
        write_atomically(path, json.dumps(dict(record.validation)))
    return float(json.loads(path.read_text())["accuracy"])


if __name__ == "__main__":
    main()
