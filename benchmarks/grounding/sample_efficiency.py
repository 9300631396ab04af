"""How many training texts does the graph save where the labels are its entities?

ICD-10-CM coding as in ``kgbert demo``, with 100 categories. ``plain`` and ``knowledge`` train with
1, 2, 4 and 12 terms of each category, ``plain`` also with 3 and 6: knowledge with some texts is
compared with plain with three times as many. The terms of a seed are nested, and its test terms are
the same for all sizes. Training configuration as in the demo; nothing is tuned. The protocol was
written before any test score was seen.

    python -m benchmarks.grounding.sample_efficiency     # 60 runs, more than an hour of one core

writes benchmarks/results/sample_efficiency.json after each run; what it has is not repeated.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import RESULTS
from benchmarks.environment import environment
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.comparison.run import run_arm
from kgbert.comparison.study import Study
from kgbert.data.splits import Split
from kgbert.demo.study import Size, demo_study
from kgbert.linking.caching import CachingLinker
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "sample_efficiency.json"

SEEDS = 6
CATEGORIES = 100
#: Training terms of a category, by arm.
TERMS = {MAIN: (1, 2, 4, 12), BASELINE: (1, 2, 3, 4, 6, 12)}
MOST = 12


@dataclass(frozen=True)
class FirstTerms:
    """Keeps the first training terms of each category of another splitter."""

    study: Study
    terms: int

    def __call__(self, seed: int) -> Split:
        """Return the terms of a seed."""
        split = self.study.split(seed)
        kept = [term for place, term in enumerate(split.train) if place % MOST < self.terms]
        return replace(split, train=kept)


def main() -> None:
    """Run what is missing, and write the results after each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--categories", type=int, default=CATEGORIES)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    with tempfile.TemporaryDirectory() as folder:
        size = Size(arguments.categories, MOST, arguments.seeds, arms=tuple(TERMS))
        study = demo_study(Path(folder), size, progress=reporter.steps("encoding entities"))
        study = replace(study, linker=CachingLinker(study.linker))
        runs = (
            json.loads(arguments.out.read_text(encoding="utf-8"))["runs"]
            if arguments.out.exists()
            else []
        )
        for seed, terms, arm in _missing(runs, arguments.seeds):
            own = replace(study, split=FirstTerms(study, terms))
            chosen = next(x for x in study.arms if x.name == arm)
            record = run_arm(own, chosen, seed).record
            runs.append(
                {"seed": seed, "terms": terms, "arm": arm, "score": record.metrics["accuracy"]}
            )
            write_atomically(
                arguments.out, json.dumps(_manifest(study) | {"runs": runs}, indent=1) + "\n"
            )
            reporter.message(f"seed {seed}, {terms} terms, {arm}: {runs[-1]['score']:.3f}")


def _missing(runs: list[dict[str, Any]], seeds: int) -> list[tuple[int, int, str]]:
    done = {(run["seed"], run["terms"], run["arm"]) for run in runs}
    wanted = [(s, terms, arm) for s in range(seeds) for arm in TERMS for terms in TERMS[arm]]
    return [each for each in wanted if each not in done]


def _manifest(study: Study) -> dict[str, Any]:
    split = study.split(0)
    return {
        "question": (__doc__ or "").splitlines()[0],
        "categories": len(split.train) // MOST,
        "test terms": len(split.test),
        "encoder": study.backbone_name,
        **environment("kgbert", "torch", "transformers"),
    }


if __name__ == "__main__":
    main()
