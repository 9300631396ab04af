"""How often is the verdict wrong if no arm is better, and how often does it miss an effect?

By simulation, with random scores judged by kgbert's own rules: arms without any difference (A/A),
arms that any graph improves, and arms that the right graph improves by once or twice the effect
stated as detectable. And by real training runs of a tiny encoder: plain against plain with
different seeds, and a task whose label is, for a share of the texts, a property that is one, two or
three edges away from the mentioned entity.

    python -m benchmarks.calibration.run
    python -m benchmarks.calibration.run --only 2             # one part; the others are kept
    python -m benchmarks.calibration.run --only simulated --out FILE    # smallest run

writes benchmarks/results/calibration.json; finished runs are kept in --folder.
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.calibration.planted import EPOCHS, SIZES, PlantedTask, save_tiny_encoder
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.results import ComparisonResult, StudyRecord
from kgbert.comparison.run import run_arm
from kgbert.comparison.run_store import attempt_run, finished_run
from kgbert.comparison.statistics.power import detectable_effect
from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.comparison.statistics.summary import summarise
from kgbert.comparison.statistics.verdict import HELPS, HURTS, Evidence, judge
from kgbert.comparison.study import Study
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "calibration.json"

STUDIES = 4_000
SEEDS = (6, 10)
#: Parts for --only: the simulations, plain against plain, and answers 1 to 3 edges away.
PARTS = ("simulated", "plain", "1", "2", "3")
#: Share of texts whose label the graph determines: the size of the planted effect.
SHARES = (0.6, 0.2)
#: Standard deviation of one arm's scores around those of its seed, in accuracy.
SPREAD = 0.01

#: Draws scores of mean 0 and standard deviation 1.
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def main() -> None:
    """Run the simulations and the trainings, and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/calibration"))
    parser.add_argument(
        "--only",
        choices=PARTS,
        nargs="+",
        default=PARTS,
        help="run these parts; keep the results of the others",
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    out: Path = arguments.out
    found = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {"real": []}
    if "simulated" in arguments.only:
        found["simulated"] = list(simulated())
        write_atomically(out, json.dumps(found, indent=1) + "\n")
    rows = {_key(row): row for row in found["real"]}
    for row in real(arguments.folder, arguments.only):
        rows[_key(row)] = row
        found["real"] = [rows[key] for key in sorted(rows)]
        found |= {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "torch": torch.__version__,
        }
        # After each study, since all of them take hours.
        write_atomically(out, json.dumps(found, indent=1) + "\n")


def simulated() -> Iterator[dict[str, Any]]:
    """Yield the frequency of each verdict, by situation."""
    for situation, (gain, gain_of_any) in SITUATIONS.items():
        for noise in NOISES:
            for seeds in SEEDS:
                # A difference of two scores has a larger standard deviation than one score.
                detectable = detectable_effect(SPREAD * 2**0.5, seeds)
                assert detectable is not None, "six seeds can reach significance"
                lifts = (0.0, (gain + gain_of_any) * detectable, gain_of_any * detectable)
                counts = _verdicts(NOISES[noise], seeds, lifts)
                yield {
                    "situation": situation,
                    "noise": noise,
                    "seeds": seeds,
                    "studies": STUDIES,
                    "helps": counts[HELPS] / STUDIES,
                    "hurts": counts[HURTS] / STUDIES,
                }


def _verdicts(noise: Noise, seeds: int, lifts: tuple[float, float, float]) -> Counter[str]:
    """Count the verdicts on studies with these mean gains of plain, knowledge and shuffled."""
    generator = np.random.default_rng(0)
    scores = SPREAD * noise(generator, (STUDIES, 3, seeds)) + np.array(lifts)[:, None]
    counts = Counter[str]()
    for plain, knowledge, shuffled in scores:
        evidence = Evidence(
            "knowledge",
            "plain",
            "shuffled",
            "accuracy",
            paired_summary(knowledge - plain),
            paired_summary(knowledge - shuffled),
            seeds,
        )
        counts[judge(evidence).outcome] += 1
    return counts


def real(folder: Path, parts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the verdicts on studies of a tiny encoder."""
    encoder = save_tiny_encoder(folder / "encoder")
    if "plain" in parts:
        study = PlantedTask(hops=1, share=SHARES[0]).study(folder / "plain", encoder)
        yield _study_row(0, 0.0, compare_plain_with_itself(study))
    for hops in (hops for hops in (1, 2, 3) if str(hops) in parts):
        for share in SHARES:
            planted = PlantedTask(hops=hops, share=share)
            study = planted.study(folder / f"planted-{hops}-{share:g}", encoder)
            yield _study_row(hops, share, run_study(study, progress=ProgressReporter().message))


def compare_plain_with_itself(study: Study) -> ComparisonResult:
    """Return the results of three plain arms on the same texts with different seeds."""
    runs = []
    count = len(study.seeds)
    for index, name in enumerate(("plain", "knowledge", "shuffled")):
        for seed in study.seeds:
            run_seed = seed + index * count
            run = finished_run(study, ARMS["plain"], run_seed)
            run = run or attempt_run(study, ARMS["plain"], run_seed, run_arm)
            print(f"{name}, seed {run_seed}: {run.metrics['accuracy']:.3f}", flush=True)
            runs.append(replace(run, arm=name, seed=seed))
    record = StudyRecord(
        name="plain against plain",
        task="text classification",
        metric="accuracy",
        main="knowledge",
        baseline="plain",
        control="shuffled",
        arms=("plain", "knowledge", "shuffled"),
        seeds=tuple(study.seeds),
    )
    return summarise(record, runs)


def _study_row(hops: int, share: float, results: ComparisonResult) -> dict[str, Any]:
    over_plain = next(
        pair for pair in results.comparisons if (pair.first, pair.second) == ("knowledge", "plain")
    )
    return {
        "edges away": hops,
        "share of texts that the graph decides": share,
        "training texts": SIZES[0],
        "epochs": EPOCHS[max(hops, 1)],
        "arms": {arm.name: arm.mean for arm in results.arms},
        "verdict": results.verdict.outcome,
        "sentence": results.verdict.sentence,
        "detectable": over_plain.detectable,
        "gain": over_plain.summary.mean if over_plain.summary else None,
    }


def _key(row: dict[str, Any]) -> tuple[int, float]:
    return row["edges away"], -row["share of texts that the graph decides"]


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_normal(shape)


def _heavy(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_t(3, shape) / 3**0.5


def _skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 1 - generator.standard_exponential(shape)


#: Distributions of scores over seeds, by name.
NOISES: dict[str, Noise] = {"normal": _normal, "heavy tails": _heavy, "skewed": _skewed}

#: Gain of the right graph, and of any graph, in units of the detectable effect.
SITUATIONS = {
    "all arms alike": (0.0, 0.0),
    "any graph lifts, the right one no more": (0.0, 2.0),
    "the right graph lifts by the detectable effect": (1.0, 0.0),
    "the right graph lifts by twice that": (2.0, 0.0),
}

if __name__ == "__main__":
    main()
