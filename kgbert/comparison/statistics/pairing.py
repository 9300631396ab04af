"""Bring the runs of a study into pairs: which seeds are complete, and what is missing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Run = dict[str, Any]
Study = dict[str, Any]


@dataclass(frozen=True)
class PairedRuns:
    """The runs of a study by arm and seed, and the seeds that count.

    Attributes:
        study: The study that the runs belong to.
        done: Finished runs by (arm, seed).
        failed: Failed runs by (arm, seed).
        complete: Seeds finished in the main arm, the baseline and the control.
    """

    study: Study
    done: dict[tuple[str, int], Run]
    failed: dict[tuple[str, int], Run]
    complete: list[int]

    def of(self, arm: str) -> list[Run]:
        """Return the finished runs of an arm, by seed."""
        return [self.done[arm, seed] for seed in self.study["seeds"] if (arm, seed) in self.done]

    def pairs(self, first: str, second: str) -> list[tuple[Run, Run]]:
        """Return the runs of two arms on the complete seeds that both have finished."""
        return [
            (self.done[first, seed], self.done[second, seed])
            for seed in self.complete
            if (first, seed) in self.done and (second, seed) in self.done
        ]

    def score(self, run: Run) -> float:
        """Return the test score of a run in the metric of the study."""
        return float(run["metrics"][self.study["metric"]])


def pair_runs(study: Study, runs: Sequence[Run]) -> PairedRuns:
    """Return the runs of a study by arm and seed; runs of other arms and seeds are left out."""
    _check_roles(study)
    wanted = {(arm, seed) for arm in study["arms"] for seed in study["seeds"]}
    found: dict[tuple[str, int], Run] = {}
    for run in runs:
        place = run["arm"], run["seed"]
        if place in found:
            raise ValueError(
                f"study {study['name']!r}: arm {run['arm']!r}, seed {run['seed']} has two runs, "
                f"and none may be picked by hand; delete the file of one of them"
            )
        found[place] = run
    done = {at: run for at, run in found.items() if at in wanted and run["status"] == "done"}
    failed = {at: run for at, run in found.items() if at in wanted and run["status"] != "done"}
    for run in done.values():
        _check_score(study, run)
    needed = judged_arms(study)
    complete = [seed for seed in study["seeds"] if all((arm, seed) in done for arm in needed)]
    return PairedRuns(study, done, failed, complete)


def judged_arms(study: Study) -> list[str]:
    """Return the arms that the verdict rests on: main, baseline and, if it is run, control.

    >>> judged_arms({"main": "knowledge", "baseline": "plain", "arms": ["plain", "knowledge"]})
    ['knowledge', 'plain']
    """
    control = study.get("control")
    return [study["main"], study["baseline"], *([control] if control in study["arms"] else [])]


def missing_runs(runs: PairedRuns, arms: Sequence[str]) -> list[dict[str, Any]]:
    """Return arm, seed and reason of each run of these arms that was asked for and is not there."""
    return [
        {
            "arm": arm,
            "seed": seed,
            "reason": "failed" if (arm, seed) in runs.failed else "not run",
            "error": runs.failed.get((arm, seed), {}).get("error", ""),
        }
        for arm in arms
        for seed in runs.study["seeds"]
        if (arm, seed) not in runs.done
    ]


def _check_score(study: Study, run: Run) -> None:
    score = run["metrics"].get(study["metric"])
    if score is None or not math.isfinite(score):
        found = ", ".join(f"{name} {value}" for name, value in run["metrics"].items())
        raise ValueError(
            f"study {study['name']!r}: arm {run['arm']!r}, seed {run['seed']} has no usable "
            f"{study['metric']} (found: {found or 'no metric at all'}); compare by another metric, "
            f"or delete the file of this run and run it again"
        )


def _check_roles(study: Study) -> None:
    for role in ("main", "baseline"):
        if study[role] not in study["arms"]:
            raise ValueError(
                f"study {study['name']!r}: its {role} arm {study[role]!r} is not among its arms "
                f"({', '.join(study['arms'])}), so nothing can be compared; add it to the arms"
            )
