"""Can the verdict be trusted: how often is it wrong where nothing helps, and blind where it does?

By simulation at scale, with scores drawn at random and judged by kgbert's own rules: arms that are
alike (A/A), arms that any graph lifts, the right one or not, and arms that the right graph lifts
by once or twice the effect that the tool states as detectable. And in small by real training runs
of a tiny encoder: plain against plain with other seeds, and a task in which the class of a share
of the texts is a property that stands one, two or three edges away from the entity they mention.

    python -m benchmarks.calibration.run
    python -m benchmarks.calibration.run --only 2    # one part; the others are kept

writes benchmarks/results/calibration.json; finished runs are kept in --folder.
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.calibration.planted import EPOCHS, SIZES, PlantedTask, save_tiny_encoder
from kgbert.cli.core.progress import show_run
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import compare
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
#: What can be asked for by itself: the simulations, plain against plain, and one to three edges.
PARTS = ("simulated", "alike", "1", "2", "3")
#: Shares of the texts that the graph decides: the effect that is planted.
SHARES = (0.6, 0.2)
#: Standard deviation of one arm's scores around those of its seed, in accuracy.
SPREAD = 0.01

#: Draws scores of mean 0 and standard deviation 1.
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def main() -> None:
    """Simulate, train, and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/calibration"))
    parser.add_argument(
        "--only", choices=PARTS, nargs="+", default=PARTS, help="these parts, the others kept"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    found = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"real": []}
    if "simulated" in given.only:
        found["simulated"] = list(simulated())
    rows = {_key(row): row for row in found["real"]}
    for row in real(given.folder, given.only):
        rows[_key(row)] = row
        found["real"] = [rows[key] for key in sorted(rows)]
        found |= {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "torch": torch.__version__,
        }
        # Each study by itself: all of them take long.
        write_atomically(RESULT, json.dumps(found, indent=1) + "\n")


def simulated() -> Iterator[dict[str, Any]]:
    """Yield how often each verdict is given, situation by situation."""
    for situation, (gain, gain_of_any) in SITUATIONS.items():
        for noise in NOISES:
            for seeds in SEEDS:
                # The paired differences of two arms spread wider than the scores of one.
                detectable = detectable_effect(SPREAD * 2**0.5, seeds)
                assert detectable is not None, "six seeds and more can show something"
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
    """Count the verdicts on studies whose plain, knowledge and shuffled arms are lifted so far."""
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
    if "alike" in parts:
        study = PlantedTask(hops=1, share=SHARES[0]).study(folder / "alike", encoder)
        yield _told(0, 0.0, judged_alike(study))
    for hops in (hops for hops in (1, 2, 3) if str(hops) in parts):
        for share in SHARES:
            planted = PlantedTask(hops=hops, share=share)
            study = planted.study(folder / f"planted-{hops}-{share:g}", encoder)
            yield _told(hops, share, compare(study, progress=show_run))


def judged_alike(study: Study) -> dict[str, Any]:
    """Return the results of three arms that are all plain, on the same texts with other seeds."""
    runs = []
    count = len(study.seeds)
    for place, name in enumerate(("plain", "knowledge", "shuffled")):
        for seed in study.seeds:
            drawn = seed + place * count
            run = finished_run(study, ARMS["plain"], drawn)
            run = run or attempt_run(study, ARMS["plain"], drawn, run_arm)
            print(f"{name}, seed {drawn}: {run['metrics']['accuracy']:.3f}", flush=True)
            runs.append({**run, "arm": name, "seed": seed})
    told = {
        "name": "plain against plain",
        "task": "text classification",
        "metric": "accuracy",
        "main": "knowledge",
        "baseline": "plain",
        "control": "shuffled",
        "arms": ["plain", "knowledge", "shuffled"],
        "seeds": list(study.seeds),
    }
    return summarise(told, runs)


def _told(hops: int, share: float, results: dict[str, Any]) -> dict[str, Any]:
    over = {one["second"]: one for one in results["comparisons"] if one["first"] == "knowledge"}
    return {
        "edges away": hops,
        "share of texts that the graph decides": share,
        "training texts": SIZES[0],
        "epochs": EPOCHS[max(hops, 1)],
        "arms": {arm["arm"]: arm["mean"] for arm in results["arms"]},
        "verdict": results["verdict"]["outcome"],
        "sentence": results["verdict"]["sentence"],
        "detectable": over["plain"]["detectable"],
        "gain": over["plain"]["mean"],
    }


def _key(row: dict[str, Any]) -> tuple[int, float]:
    return row["edges away"], -row["share of texts that the graph decides"]


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_normal(shape)


def _heavy(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_t(3, shape) / 3**0.5


def _skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 1 - generator.standard_exponential(shape)


#: How scores may scatter over seeds, by name.
NOISES: dict[str, Noise] = {"normal": _normal, "heavy tails": _heavy, "skewed": _skewed}

#: By how many detectable effects the right graph, and any graph, lifts the scores.
SITUATIONS = {
    "all arms alike": (0.0, 0.0),
    "any graph lifts, the right one no more": (0.0, 2.0),
    "the right graph lifts by the detectable effect": (1.0, 0.0),
    "the right graph lifts by twice that": (2.0, 0.0),
}

if __name__ == "__main__":
    main()
