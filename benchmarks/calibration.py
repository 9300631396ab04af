"""Can the verdict be trusted: how often is it wrong where nothing helps, and blind where it does?

By simulation at scale, with scores drawn at random and judged by kgbert's own rules: arms that are
alike (A/A), arms that any graph lifts, the right one or not, and arms that the right graph lifts
by once or twice the effect that the tool states as detectable. And in small by real training runs
of a tiny encoder: plain against plain with other seeds, and a task in which the class of a share
of the texts is a property that stands one, two or three edges away from the entity they mention.

    python benchmarks/calibration.py

writes benchmarks/results/calibration.json; finished runs are kept in --folder.
"""

import argparse
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from planted import PlantedTask, save_tiny_encoder

from kgbert.cli.progress import show_run
from kgbert.cli.quiet import quieten
from kgbert.comparing.arms import ARMS
from kgbert.comparing.compare import compare
from kgbert.comparing.power import detectable_effect
from kgbert.comparing.run import run_arm
from kgbert.comparing.statistics import paired_summary
from kgbert.comparing.store import attempt_run, finished_run
from kgbert.comparing.study import Study
from kgbert.comparing.summary import summarise
from kgbert.comparing.verdict import HELPS, HURTS, Evidence, judge
from kgbert.saving import write_atomically

RESULT = Path(__file__).parent / "results" / "calibration.json"

STUDIES = 4_000
SEEDS = (6, 10)
#: Standard deviation of one arm's scores around those of its seed, in accuracy.
SPREAD = 0.01

#: Draws scores of mean 0 and standard deviation 1.
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def main() -> None:
    """Simulate, train, and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/calibration"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    quieten()
    found = {
        "simulated": list(simulated()),
        "real": list(real(given.folder)),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
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


def real(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the verdicts on studies of a tiny encoder."""
    encoder = save_tiny_encoder(folder / "encoder")
    study = PlantedTask(hops=1, share=0.6).study(folder / "alike", encoder)
    yield _told("plain against plain", "none", judged_alike(study))
    for hops in (1, 2, 3):
        for share in (0.6, 0.2):
            planted = PlantedTask(hops=hops, share=share)
            study = planted.study(folder / f"planted-{hops}-{share:g}", encoder)
            results = compare(study, progress=show_run)
            yield _told(f"{hops} edges away", f"{share:.0%}", results)


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


def _told(situation: str, share: str, results: dict[str, Any]) -> dict[str, Any]:
    over = {one["second"]: one for one in results["comparisons"] if one["first"] == "knowledge"}
    return {
        "situation": situation,
        "texts that the graph decides": share,
        "arms": {arm["arm"]: arm["mean"] for arm in results["arms"]},
        "verdict": results["verdict"]["outcome"],
        "sentence": results["verdict"]["sentence"],
        "detectable": over["plain"]["detectable"],
        "gain": over["plain"]["mean"],
    }


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
