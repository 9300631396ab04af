"""What do more seeds say of a verdict that stands already?

The rates that were chosen then are taken as they are, the seeds that were run then are not run
again, and everything is summarised anew over all of them.

    python -m benchmarks.verdict.extend bc5cdr --seeds 6,7,8
    python -m benchmarks.verdict.extend bc5cdr --seeds 6,7,8     # beside it: they share the runs

change benchmarks/results/verdict/bc5cdr.json when the last run is finished; finished runs are kept
in --folder. What differs from the results' manifest, the graph of a newer reader for example, has
to be named (--despite graph) with the reason (--why), which the results then tell. Where that
changes an arm, --anew runs it on the seeds before as well. Answers text by text are not in the
results, so that tests by text are those of the seeds before.
"""

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.verdict.run import numbers, study_of, without_answers
from benchmarks.verdict.tasks import TASKS
from kgbert.comparison.checks.fairness import fairness_warnings
from kgbert.comparison.manifest import manifest
from kgbert.comparison.run import run_arm
from kgbert.comparison.run_store import Run, attempt_run, shared_runs
from kgbert.comparison.statistics.pairing import pair_runs
from kgbert.comparison.statistics.power import detectable_before
from kgbert.comparison.statistics.summary import Results, summarise
from kgbert.comparison.study import Study, TrainingConfig
from kgbert.reporting.formatting import listing
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries


def main() -> None:
    """Run what a task's results lack, and write the results of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--seeds", type=numbers, default=())
    parser.add_argument("--anew", type=_names, default=[], help="arms, on all seeds")
    parser.add_argument("--despite", type=_names, default=[], help="parts of the manifest")
    parser.add_argument("--why", default="", help="what is different, in a sentence")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/further"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    path = RESULTS / "verdict" / f"{given.task}.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    study = _study(given, before)
    _check_same(study, before, given.despite)
    plan = [(study, arm, seed) for seed in given.seeds for arm in study.arms]
    anew = [arm for arm in study.arms if arm.name in given.anew]
    plan += [(study, arm, seed) for seed in before["seeds"] for arm in anew]
    runs = []
    for (_, arm, seed), run in shared_runs(plan, partial(attempt_run, train=run_arm)):
        print(f"{given.task} {arm.name} {seed}: {run.get('metrics', run['status'])}", flush=True)
        runs.append(without_answers(run))
    told = json.loads(json.dumps(manifest(study, before["manifest"]["started"])))
    results = together(before | {"manifest": told}, runs, _amended(given, before))
    write_atomically(path, json.dumps(results, indent=1) + "\n")


def _names(typed: str) -> list[str]:
    return [name.strip() for name in typed.split(",")]


def _study(given: argparse.Namespace, before: Results) -> Study:
    """Return the study of the further seeds, its training configurations those of the results."""
    arms = [arm["arm"] for arm in before["arms"]]
    training_configs = {
        arm: TrainingConfig(**told) for arm, told in before["manifest"]["training_configs"].items()
    }
    seeds = [*before["seeds"], *given.seeds]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"the results have seeds {before['seeds']} already; ask for others")
    asked = argparse.Namespace(**vars(given), arms=arms, all_seeds=seeds, smoke=False)
    return replace(study_of(asked), training_configs=training_configs)


def _check_same(study: Study, before: Results, despite: list[str]) -> None:
    """Raise ValueError where more than what is named differs from what the results were made of."""
    old = before["manifest"]
    new = json.loads(json.dumps(manifest(replace(study, seeds=before["seeds"]), old["started"])))
    for part in ("versions", "graph", "backbone", "linker", "data", "training_configs"):
        if new[part] != old[part] and part not in despite:
            raise ValueError(f"{part} of the results: {old[part]}, now: {new[part]}")


def _amended(given: argparse.Namespace, before: Results) -> str:
    """Return what is told of runs that were not made with the others."""
    told = [before.get("amended", "")]
    if given.seeds:
        seeds = listing([str(seed) for seed in given.seeds])
        told.append(
            f"Seeds {seeds} were run later, when the results of the others had been read, with the "
            "rates chosen before; tests by text are of the others."
        )
    if given.anew:
        told.append(f"Run anew on the other seeds: {listing([repr(arm) for arm in given.anew])}.")
    return " ".join(filter(None, [*told, given.why]))


def together(before: Results, runs: list[Run], amended: str) -> Results:
    """Return the results of the runs before and of the later ones, which take their places.

    Raises:
        ValueError: A run failed.
    """
    if failed := [(run["arm"], run["seed"]) for run in runs if run["status"] != "done"]:
        raise ValueError(f"failed: {failed}; the same command tries them again")
    order = [arm["arm"] for arm in before["arms"]]
    later = {(run["seed"], order.index(run["arm"])): run for run in runs}
    found = {(run["seed"], order.index(run["arm"])): run for run in before["runs"]} | later
    all_runs = [found[place] for place in sorted(found)]
    seeds = sorted({seed for seed, _ in found})
    asked = before | {"arms": order, "seeds": seeds, "stated": detectable_before(len(seeds))}
    # These speak of all runs, and are said anew of all of them.
    spoken = set(fairness_warnings(pair_runs(asked | {"seeds": before["seeds"]}, before["runs"])))
    asked["warnings"] = [warning for warning in before["warnings"] if warning not in spoken]
    results = summarise(asked, all_runs)
    changed = {run["arm"] for run in runs if run["seed"] in before["seeds"]}
    for new, old in zip(results["comparisons"], before["comparisons"], strict=True):
        if not changed & {new["first"], new["second"]}:
            new["item_level"] = old["item_level"]
            if new["other_tests"] and old["other_tests"]:
                new["other_tests"]["mcnemar"] = old["other_tests"]["mcnemar"]
    return results | {"amended": amended, "runs": all_runs}


if __name__ == "__main__":
    main()
