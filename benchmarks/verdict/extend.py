"""What does a verdict become with further seeds?

The learning rates of the results are kept, the finished seeds are not run again, and the summary is
computed over all seeds.

    python -m benchmarks.verdict.extend bc5cdr --seeds 6,7,8
    python -m benchmarks.verdict.extend bc5cdr --seeds 6,7,8    # a second process shares the runs

update benchmarks/results/verdict/bc5cdr.json when the last run is finished; finished runs are kept
in --folder. Parts of the manifest that differ from the results', for example a graph of a newer
reader, must be named (--allow-changed graph) with the reason (--reason), which is recorded in the
results. If such a change concerns an arm, --rerun runs this arm on the old seeds too. The results
hold no predictions, so that tests by text use the old seeds only.
"""

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.verdict.run import build_study, parse_integers, without_items
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
    """Run further seeds or arms of a task, and write the merged results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--seeds", type=parse_integers, default=())
    parser.add_argument(
        "--rerun", type=_parse_names, default=[], help="arms to run again on the old seeds"
    )
    parser.add_argument(
        "--allow-changed", type=_parse_names, default=[], help="parts of the manifest"
    )
    parser.add_argument("--reason", default="", help="why they differ, in a sentence")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/further"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    path = RESULTS / "verdict" / f"{arguments.task}.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    study = _extended_study(arguments, before)
    _check_manifest(study, before, arguments.allow_changed)
    plan = [(study, arm, seed) for seed in arguments.seeds for arm in study.arms]
    rerun = [arm for arm in study.arms if arm.name in arguments.rerun]
    plan += [(study, arm, seed) for seed in before["seeds"] for arm in rerun]
    runs = []
    for (_, arm, seed), run in shared_runs(plan, partial(attempt_run, train=run_arm)):
        print(
            f"{arguments.task} {arm.name} {seed}: {run.get('metrics', run['status'])}", flush=True
        )
        runs.append(without_items(run))
    merged_manifest = json.loads(json.dumps(manifest(study, before["manifest"]["started"])))
    results = merge_results(
        before | {"manifest": merged_manifest}, runs, _amendment(arguments, before)
    )
    write_atomically(path, json.dumps(results, indent=1) + "\n")


def _parse_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _extended_study(arguments: argparse.Namespace, before: Results) -> Study:
    """Return the study of all seeds, with the training settings of the old results."""
    arms = [arm["arm"] for arm in before["arms"]]
    training_configs = {
        arm: TrainingConfig(**settings)
        for arm, settings in before["manifest"]["training_configs"].items()
    }
    seeds = [*before["seeds"], *arguments.seeds]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"the results have seeds {before['seeds']} already; name other seeds")
    options = argparse.Namespace(**vars(arguments), arms=arms, all_seeds=seeds, smoke=False)
    return replace(build_study(options), training_configs=training_configs)


def _check_manifest(study: Study, before: Results, allowed: list[str]) -> None:
    """Raise ValueError if the manifests differ in a part that is not allowed to differ."""
    old = before["manifest"]
    new = json.loads(json.dumps(manifest(replace(study, seeds=before["seeds"]), old["started"])))
    for part in ("versions", "graph", "backbone", "linker", "data", "training_configs"):
        if new[part] != old[part] and part not in allowed:
            raise ValueError(f"{part} of the results: {old[part]}, now: {new[part]}")


def _amendment(arguments: argparse.Namespace, before: Results) -> str:
    """Return the note about runs that were added later."""
    sentences = [before.get("amended", "")]
    if arguments.seeds:
        seeds = listing([str(seed) for seed in arguments.seeds])
        sentences.append(
            f"Seeds {seeds} were run later, after the results of the others had been read, with "
            "the learning rates chosen before; tests by text use the other seeds only."
        )
    if arguments.rerun:
        arms = listing([repr(arm) for arm in arguments.rerun])
        sentences.append(f"Rerun on the other seeds: {arms}.")
    return " ".join(filter(None, [*sentences, arguments.reason]))


def merge_results(before: Results, runs: list[Run], amended: str) -> Results:
    """Return the results of old and new runs; a new run replaces the old one of its arm and seed.

    Raises:
        ValueError: A run failed.
    """
    if failed := [(run["arm"], run["seed"]) for run in runs if run["status"] != "done"]:
        raise ValueError(f"failed: {failed}; the same command retries them")
    order = [arm["arm"] for arm in before["arms"]]
    new_runs = {(run["seed"], order.index(run["arm"])): run for run in runs}
    runs_by_place = {
        (run["seed"], order.index(run["arm"])): run for run in before["runs"]
    } | new_runs
    all_runs = [runs_by_place[place] for place in sorted(runs_by_place)]
    seeds = sorted({seed for seed, _ in runs_by_place})
    study = before | {"arms": order, "seeds": seeds, "stated": detectable_before(len(seeds))}
    # Warnings about all runs are computed again from all runs.
    outdated = set(fairness_warnings(pair_runs(study | {"seeds": before["seeds"]}, before["runs"])))
    study["warnings"] = [warning for warning in before["warnings"] if warning not in outdated]
    results = summarise(study, all_runs)
    changed = {run["arm"] for run in runs if run["seed"] in before["seeds"]}
    for new, old in zip(results["comparisons"], before["comparisons"], strict=True):
        if not changed & {new["first"], new["second"]}:
            new["item_level"] = old["item_level"]
            if new["other_tests"] and old["other_tests"]:
                new["other_tests"]["mcnemar"] = old["other_tests"]["mcnemar"]
    return results | {"amended": amended, "runs": all_runs}


if __name__ == "__main__":
    main()
