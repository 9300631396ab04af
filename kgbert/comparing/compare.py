"""Run the arms of a study on paired seeds, go on where it stopped, and judge."""

import json
import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from kgbert.comparing.arms import Arm
from kgbert.comparing.findings import coverage_of, findings, flipped
from kgbert.comparing.manifest import manifest
from kgbert.comparing.report import write_report
from kgbert.comparing.run import Trained, run_arm
from kgbert.comparing.study import Study
from kgbert.comparing.summary import Results, summarise
from kgbert.linking.remembering import RememberingLinker
from kgbert.saving import write_atomically
from kgbert.training.folder import save_model
from kgbert.training.tasks import task_of

logger = logging.getLogger(__name__)

#: The arms that the verdict is about.
MAIN, BASELINE, CONTROL = "knowledge", "plain", "shuffled"


@dataclass(frozen=True)
class Progress:
    """What is told after each run."""

    done: int
    total: int
    arm: str
    seed: int
    outcome: str
    seconds_left: float


def compare(study: Study, *, progress: Callable[[Progress], None] = lambda told: None) -> Results:
    """Run what is not finished yet, and write ``results.json``, ``report.html`` and the best model.

    Each finished run is one JSON file in ``runs``, known again by all that it depends on: stopping
    loses at most the run under way, and a second call repeats nothing. A run that fails is
    recorded with its traceback and does not end the others; the next call tries it again.

    Args:
        study: What is compared.
        progress: Called after each run, and once for all runs that were finished before.
    """
    study = replace(study, split=cache(study.split), linker=RememberingLinker(study.linker))
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    plan = [(arm, seed) for seed in study.seeds for arm in study.arms]
    runs = [run for place in plan if (run := _finished(study, *place))]
    waiting = [place for place in plan if not _finished(study, *place)]
    if runs:
        progress(Progress(len(runs), len(plan), "", 0, "finished before", 0.0))
    for arm, seed in waiting:
        run = _attempt(study, arm, seed)
        runs.append(run)
        left = _seconds(runs) * (len(plan) - len(runs))
        outcome = _outcome(study, run)
        progress(Progress(len(runs), len(plan), arm.name, seed, outcome, left))
    results = summarise(_described(study, runs, started), runs)
    write_atomically(study.folder / "results.json", json.dumps(results | {"runs": runs}, indent=1))
    write_report(results, study.folder / "report.html")
    return results


def _path(study: Study, arm: Arm, seed: int) -> Path:
    name = f"{arm.name.replace(' ', '-')}-{seed}-{study.fingerprint(arm, seed)[:8]}.json"
    return study.folder / "runs" / name


def _finished(study: Study, arm: Arm, seed: int) -> dict[str, Any] | None:
    """Return the record of a run that was finished before, or None."""
    try:
        run: dict[str, Any] = json.loads(_path(study, arm, seed).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return run if run["status"] == "done" else None


def _attempt(study: Study, arm: Arm, seed: int) -> dict[str, Any]:
    """Run an arm and store its record; a failure is a record as well."""
    started = time.perf_counter()
    try:
        trained = run_arm(study, arm, seed)
    except Exception as error:  # One failed run must not cost the others.
        logger.warning("arm %r, seed %d failed: %s", arm.name, seed, error)
        record = {
            "arm": arm.name,
            "seed": seed,
            "status": "failed",
            "error": traceback.format_exc(),
        }
    else:
        record = trained.record
        if arm.name == MAIN:
            _keep_best(study, trained)
    record["seconds"] = round(time.perf_counter() - started, 2)
    write_atomically(_path(study, arm, seed), json.dumps(record, indent=1))
    return record


def _keep_best(study: Study, trained: Trained) -> None:
    """Save the model if none that was saved before is better on validation."""
    folder, record = study.folder / "model", trained.record
    metric = task_of(study.split(record["seed"]).train).metric
    best_file = folder / "best.json"
    best = json.loads(best_file.read_text())["validation"] if best_file.exists() else -1.0
    if record["validation"][metric] <= best:
        return
    about = {
        "Study": study.name,
        "Seed": record["seed"],
        f"Validation {metric}": f"{record['validation'][metric]:.3f}",
        f"Test {metric}": f"{record['metrics'][metric]:.3f}",
    }
    save_model(folder, trained.model, trained.processor, about)
    told = {"seed": record["seed"], "validation": record["validation"][metric]}
    write_atomically(best_file, json.dumps(told))


def _seconds(runs: Sequence[dict[str, Any]]) -> float:
    return fmean(run["seconds"] for run in runs)


def _outcome(study: Study, run: dict[str, Any]) -> str:
    if run["status"] != "done":
        return f"failed: {run['error'].strip().splitlines()[-1]}"
    metric = task_of(study.split(run["seed"]).train).metric
    return f"{metric} {run['metrics'][metric]:.3f}"


def _described(study: Study, runs: Sequence[dict[str, Any]], started: str) -> dict[str, Any]:
    """Return the study as the summary and the report read it."""
    task = task_of(study.split(study.seeds[0]).train)
    names = [arm.name for arm in study.arms]
    return {
        "name": study.name,
        "task": task.name.replace("-", " "),
        "metric": task.metric,
        "main": MAIN,
        "baseline": BASELINE,
        "control": CONTROL if CONTROL in names else None,
        "arms": names,
        "meanings": {arm.name: arm.meaning for arm in study.arms},
        "seeds": list(study.seeds),
        "coverage": coverage_of(study),
        "manifest": manifest(study, started),
        "examples": flipped(study, runs, MAIN, BASELINE),
        "warnings": findings(study),
    }
