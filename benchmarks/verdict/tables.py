"""The tables of verdict.py's results: task by task, on the mean over the tasks, arm by arm."""

import json
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.rendering.markdown import table
from kgbert.comparison.statistics.multiple_testing import family
from kgbert.comparison.statistics.sign_flip import paired_summary
from kgbert.reporting.formatting import interval, listing, metric_name, p_value, points, score

Results = dict[str, Any]

MAIN, BASELINE = "knowledge", "plain"


def read_verdicts(folder: Path) -> dict[str, Results]:
    """Return the results of each task that was finished, by its name."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def verdict_tables(tasks: dict[str, Results]) -> str:
    """Return what the tasks came to, together and one by one."""
    together = [_together(tasks), _mean(tasks)] if len(tasks) > 1 else []
    verdicts = [f"- **{results['name']}**: {_said(results)}" for results in tasks.values()]
    told = [_tasks(tasks), *together, _warned(tasks), "\n".join(verdicts)]
    return "\n\n".join(filter(None, told))


def all_arms_table(tasks: dict[str, Results]) -> str:
    """Return every arm of the tasks that were run with all of them, and knowledge beside each."""
    header = ["arm"]
    for name in tasks:
        header += [name, f"{MAIN} over it"]
    mean = ["on the mean", "p"] if len(tasks) > 1 else []
    arms = dict.fromkeys(arm for results in tasks.values() for arm in _arms_of(results))
    return table((*header, *mean, "training"), [_arm_row(tasks, arm) for arm in arms])


def _tasks(tasks: dict[str, Results]) -> str:
    rivals = _shared_arms(tasks)
    header = ("task", "texts", "metric", BASELINE, MAIN, *(f"over {arm}" for arm in rivals))
    rows = []
    for name, results in tasks.items():
        means = {arm["arm"]: arm["mean"] for arm in results["arms"]}
        texts = next(iter(results["manifest"]["data"].values()))
        over = {one["second"]: one for one in _of_main(results)}
        rows.append(
            (
                name,
                f"{texts['train']:,}",
                metric_name(results["metric"]),
                score(means[BASELINE]),
                score(means[MAIN]),
                *(_difference(over[arm]) for arm in rivals),
                results["verdict"]["outcome"],
            )
        )
    return table((*header, "verdict"), rows)


def _mean(tasks: dict[str, Results]) -> str:
    """Compare the arms that all tasks have on the mean over the tasks."""
    rows = [
        (f"{MAIN} over {arm}", *_on_the_mean(tasks, arm), _cost(tasks, MAIN), _cost(tasks, arm))
        for arm in _shared_arms(tasks)
    ]
    header = ("on the mean over the tasks", "points", "p", f"training, {MAIN}", "training, the arm")
    return table(header, rows)


def _arms_of(results: Results) -> list[str]:
    return [one["arm"] for one in results["arms"]]


def _arm_row(tasks: dict[str, Results], arm: str) -> list[str]:
    row = [arm]
    for results in tasks.values():
        means = {one["arm"]: one["mean"] for one in results["arms"]}
        over = {one["second"]: _difference(one) for one in _of_main(results)}
        row += [score(means[arm]) if arm in means else "", over.get(arm, "")]
    having = {name: results for name, results in tasks.items() if arm in _arms_of(results)}
    if len(tasks) > 1:
        everywhere = len(having) == len(tasks) and arm != MAIN
        row += _on_the_mean(tasks, arm) if everywhere else ("", "")
    return [*row, _cost(having, arm)]


def _on_the_mean(tasks: dict[str, Results], arm: str) -> tuple[str, str]:
    """Return what knowledge gains over an arm, seed by seed on the mean over tasks, and its p."""
    seeds = sorted(set.intersection(*(set(one["complete_seeds"]) for one in tasks.values())))
    differences = [fmean(_of_seed(one, arm, seed) for one in tasks.values()) for seed in seeds]
    summary = paired_summary(differences)
    return f"{points(summary.mean)} {interval(summary.interval)}".strip(), p_value(summary.p)


def _of_seed(results: Results, arm: str, seed: int) -> float:
    """Return the difference between knowledge and an arm on a seed of a task."""
    values = {
        one["arm"]: dict(zip(one["seeds"], one["values"], strict=True)) for one in results["arms"]
    }
    return float(values[MAIN][seed] - values[arm][seed])


def _cost(tasks: dict[str, Results], arm: str) -> str:
    """Return the median over tasks of what the training of an arm took, plain being 1."""
    ratios = [
        one["cost_ratio"]["train_seconds"]
        for results in tasks.values()
        for one in results["arms"]
        if one["arm"] == arm
    ]
    return f"{median(ratios):.1f}"


def _together(tasks: dict[str, Results]) -> str:
    over = {name: next(iter(_of_main(results))) for name, results in tasks.items()}
    fewest = min(one["count"] for one in over.values())
    return family({name: one["p"] for name, one in over.items()}, fewest).sentence


def _warned(tasks: dict[str, Results]) -> str:
    warned = [name for name, results in tasks.items() if results["warnings"]]
    return f"Warnings stand in the results of {listing(warned)}." if warned else ""


def _said(results: Results) -> str:
    return " ".join([results["verdict"]["sentence"], *results["remarks"]])


def _of_main(results: Results) -> list[dict[str, Any]]:
    return [one for one in results["comparisons"] if one["first"] == MAIN]


def _shared_arms(tasks: dict[str, Results]) -> list[str]:
    """Return the arms that every task has, knowledge apart, in the order of the first."""
    first, *others = map(_arms_of, tasks.values())
    return [arm for arm in first if arm != MAIN and all(arm in names for names in others)]


def _difference(one: dict[str, Any]) -> str:
    return f"{points(one['mean'])} {interval(one['interval'])}".strip()
