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
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.stored_results import without_items
from benchmarks.verdict.run import build_study, parse_integers
from benchmarks.verdict.tasks import TASKS
from kgbert.comparison.manifest import manifest
from kgbert.comparison.results import ComparisonResult, PairedDifference, RunRecord
from kgbert.comparison.run import run_arm
from kgbert.comparison.run_store import attempt_run, shared_runs
from kgbert.comparison.statistics.power import detectable_before
from kgbert.comparison.statistics.summary import summarise
from kgbert.comparison.study import Study
from kgbert.reporting.formatting import listing
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.json_records import to_json
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
    before = ComparisonResult.load(path)
    study = _extended_study(arguments, before)
    _check_manifest(study, before, arguments.allow_changed)
    plan = [(study, arm, seed) for seed in arguments.seeds for arm in study.arms]
    rerun = [arm for arm in study.arms if arm.name in arguments.rerun]
    plan += [(study, arm, seed) for seed in before.study.seeds for arm in rerun]
    runs = []
    for (_, arm, seed), run in shared_runs(plan, partial(attempt_run, train=run_arm)):
        print(f"{arguments.task} {arm.name} {seed}: {dict(run.metrics) or run.status}", flush=True)
        runs.append(without_items(run))
    started = before.study.manifest.started
    study_record = replace(before.study, manifest=manifest(study, started))
    results = merge_results(
        replace(before, study=study_record), runs, _amendment(arguments, before)
    )
    write_atomically(path, json.dumps(results.to_json(), indent=1) + "\n")


def _parse_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _extended_study(arguments: argparse.Namespace, before: ComparisonResult) -> Study:
    """Return the study of all seeds, with the training settings of the old results."""
    arms = list(before.study.arms)
    seeds = [*before.study.seeds, *arguments.seeds]
    if len(set(seeds)) < len(seeds):
        known = listing([str(seed) for seed in before.study.seeds])
        raise ValueError(f"the results have seeds {known} already; name other seeds")
    options = argparse.Namespace(**vars(arguments), arms=arms, all_seeds=seeds, smoke=False)
    return replace(build_study(options), training_configs=before.study.manifest.training_configs)


def _check_manifest(study: Study, before: ComparisonResult, allowed: list[str]) -> None:
    """Raise ValueError if the manifests differ in a part that is not allowed to differ."""
    old = to_json(before.study.manifest)
    new = to_json(manifest(replace(study, seeds=before.study.seeds), old["started"]))
    for part in ("versions", "graph", "backbone", "linker", "splits", "training_configs"):
        if new[part] != old[part] and part not in allowed:
            raise ValueError(f"{part} of the results: {old[part]}, now: {new[part]}")


def _amendment(arguments: argparse.Namespace, before: ComparisonResult) -> str:
    """Return the note about runs that were added later."""
    sentences = [before.study.amendment]
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


def merge_results(
    before: ComparisonResult, runs: Sequence[RunRecord], amendment: str
) -> ComparisonResult:
    """Return the results of old and new runs; a new run replaces the old one of its arm and seed.

    Raises:
        ValueError: A run failed.
    """
    if failed := [(run.arm, run.seed) for run in runs if not run.is_done]:
        raise ValueError(f"failed: {failed}; the same command retries them")
    merged = {(run.seed, run.arm): run for run in (*before.runs, *runs)}
    order = before.study.arms
    all_runs = [
        merged[key] for key in sorted(merged, key=lambda key: (key[0], order.index(key[1])))
    ]
    seeds = tuple(sorted({seed for seed, _ in merged}))
    study = replace(
        before.study,
        seeds=seeds,
        power_statement=detectable_before(len(seeds)),
        amendment=amendment,
    )
    results = summarise(study, all_runs)
    changed = {run.arm for run in runs if run.seed in before.study.seeds}
    comparisons = tuple(
        new if changed & {new.first, new.second} else _with_old_items(new, old)
        for new, old in zip(results.comparisons, before.comparisons, strict=True)
    )
    return replace(results, comparisons=comparisons, runs=tuple(all_runs))


def _with_old_items(new: PairedDifference, old: PairedDifference) -> PairedDifference:
    """Return a difference with the tests by text of the old seeds, as new ones keep no items."""
    tests = new.alternative_tests
    if tests and old.alternative_tests:
        tests = replace(tests, mcnemar=old.alternative_tests.mcnemar)
    return replace(new, item_level=old.item_level, alternative_tests=tests)


if __name__ == "__main__":
    main()
