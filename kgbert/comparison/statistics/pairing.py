"""Pair the runs of a study by seed: which seeds are complete, and which runs are missing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kgbert.comparison.results import FAILED, NOT_RUN, MissingRun, RunRecord, StudyRecord
from kgbert.utils.errors import KGBertError


@dataclass(frozen=True)
class PairedRuns:
    """The runs of a study by arm and seed, and the complete seeds.

    Attributes:
        study: The study that the runs belong to.
        done: Finished runs by (arm, seed).
        failed: Failed runs by (arm, seed).
        complete: Seeds finished in the main arm, the baseline and the control.
    """

    study: StudyRecord
    done: dict[tuple[str, int], RunRecord]
    failed: dict[tuple[str, int], RunRecord]
    complete: list[int]

    def of(self, arm: str) -> list[RunRecord]:
        """Return the finished runs of an arm, by seed."""
        return [self.done[arm, seed] for seed in self.study.seeds if (arm, seed) in self.done]

    def pairs(self, first: str, second: str) -> list[tuple[RunRecord, RunRecord]]:
        """Return the runs of two arms on the complete seeds that both have finished."""
        return [
            (self.done[first, seed], self.done[second, seed])
            for seed in self.complete
            if (first, seed) in self.done and (second, seed) in self.done
        ]

    def score(self, run: RunRecord) -> float:
        """Return the test score of a run in the metric of the study."""
        return float(run.metrics[self.study.metric])


def pair_runs(study: StudyRecord, runs: Sequence[RunRecord]) -> PairedRuns:
    """Return the runs of a study by arm and seed; runs of other arms and seeds are left out.

    Raises:
        KGBertError: Two runs have the same arm and seed, a finished run lacks the metric, or the
            study lacks an arm that is judged.
    """
    _check_roles(study)
    wanted = {(arm, seed) for arm in study.arms for seed in study.seeds}
    by_key: dict[tuple[str, int], RunRecord] = {}
    for run in runs:
        key = run.arm, run.seed
        if key in by_key:
            raise KGBertError(
                f"study {study.name!r} has two runs of arm {run.arm!r}, seed {run.seed}, and "
                "choosing one of them would bias the comparison; delete the file of one of them.",
                code="duplicate-run",
            )
        by_key[key] = run
    done = {key: run for key, run in by_key.items() if key in wanted and run.is_done}
    failed = {key: run for key, run in by_key.items() if key in wanted and not run.is_done}
    for run in done.values():
        _check_score(study, run)
    complete = [
        seed for seed in study.seeds if all((arm, seed) in done for arm in study.judged_arms)
    ]
    return PairedRuns(study, done, failed, complete)


def missing_runs(runs: PairedRuns, arms: Sequence[str]) -> list[MissingRun]:
    """Return arm, seed and reason of each requested run of these arms without a finished record."""
    missing = []
    for arm in arms:
        for seed in runs.study.seeds:
            if (arm, seed) in runs.done:
                continue
            failed = runs.failed.get((arm, seed))
            reason = FAILED if failed else NOT_RUN
            missing.append(MissingRun(arm, seed, reason, failed.error if failed else ""))
    return missing


def _check_score(study: StudyRecord, run: RunRecord) -> None:
    score = run.metrics.get(study.metric)
    if score is None or not math.isfinite(score):
        recorded = ", ".join(f"{name} {value}" for name, value in run.metrics.items())
        raise KGBertError(
            f"study {study.name!r}: the run of arm {run.arm!r}, seed {run.seed} has no usable "
            f"{study.metric} (recorded: {recorded or 'no metric'}); compare by another metric, or "
            "delete the file of this run and run it again.",
            code="missing-metric",
        )


def _check_roles(study: StudyRecord) -> None:
    for role, arm in (("main", study.main), ("baseline", study.baseline)):
        if arm not in study.arms:
            raise KGBertError(
                f"study {study.name!r}: its {role} arm {arm!r} is not among its arms "
                f"({', '.join(study.arms)}), so nothing can be compared; add it to the arms.",
                code="missing-arm",
            )
