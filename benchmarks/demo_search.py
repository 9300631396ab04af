"""Which learning rates suit each arm of the demo?

The same grid for every arm, on the demo's validation categories, with seeds that the demo never
uses; no test category is looked at. The rates with the best mean accuracy are those of
``kgbert.demo.study.RECIPES``.

    python benchmarks/demo_search.py

writes benchmarks/results/demo_search.json; finished runs are kept in --folder.
"""

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

from kgbert.comparing.arms import ARMS
from kgbert.comparing.manifest import manifest
from kgbert.comparing.run import run_arm
from kgbert.comparing.tuning import ValidationOnly
from kgbert.demo.study import RECIPES, SIZES, demo_study
from kgbert.linking.remembering import RememberingLinker
from kgbert.saving import write_atomically

RESULT = Path(__file__).parent / "results" / "demo_search.json"

ENCODER_RATES = (1e-4, 2e-4, 4e-4)
HEAD_RATES = (1e-3,)

#: The demo's seeds begin at 0.
SEEDS = (1000, 1001)


def main() -> None:
    """Run the grid and write every score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/demo-search"))
    parser.add_argument("--only", nargs="*", help="do the runs of these arms, write no result")
    given = parser.parse_args()
    folder: Path = given.folder
    study = demo_study(folder, replace(SIZES["short"], arms=tuple(RECIPES)))
    study = replace(
        study,
        split=ValidationOnly(study.split),
        seeds=SEEDS,
        linker=RememberingLinker(study.linker),
    )
    tried = []
    for arm, encoder, head in product(given.only or RECIPES, ENCODER_RATES, HEAD_RATES):
        recipe = replace(
            study.recipe(ARMS[arm]), encoder_learning_rate=encoder, head_learning_rate=head
        )
        trial = replace(study, recipes={arm: recipe})
        scores = [score_of(trial, arm, seed) for seed in SEEDS]
        tried.append({"arm": arm, "encoder": encoder, "head": head, "validation": scores})
        print(f"{arm:14} {encoder:g} {head:g}  {fmean(scores):.4f}", flush=True)
    if given.only:
        return
    chosen = {
        arm: max(
            (trial for trial in tried if trial["arm"] == arm),
            key=lambda trial: fmean(trial["validation"]),
        )
        for arm in RECIPES
    }
    found = {"tried": tried, "chosen": chosen, "seeds": SEEDS, "manifest": manifest(study, "")}
    write_atomically(RESULT, json.dumps(found, indent=1) + "\n")


def score_of(study, arm: str, seed: int) -> float:
    """Return the validation accuracy of a run, from the folder if it was done before."""
    path = study.folder / f"{study.fingerprint(ARMS[arm], seed)[:16]}.json"
    if not path.exists():
        record = run_arm(study, ARMS[arm], seed).record
        write_atomically(path, json.dumps(record["validation"]))
    return float(json.loads(path.read_text())["accuracy"])


if __name__ == "__main__":
    main()
