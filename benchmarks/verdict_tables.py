"""The tables of verdict.py's results: task by task, and on the mean over the tasks."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

from markdown_table import table

from kgbert.comparing.family import family
from kgbert.comparing.statistics import paired_summary
from kgbert.comparing.wording import interval, listing, metric_name, p_value, points, score

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
    """Compare the arms on the mean over the tasks, seed by seed."""
    seeds = sorted(set.intersection(*(set(one["complete_seeds"]) for one in tasks.values())))
    rows = []
    for arm in _shared_arms(tasks):
        differences = [fmean(_of_seed(one, arm, seed) for one in tasks.values()) for seed in seeds]
        summary = paired_summary(differences)
        difference = f"{points(summary.mean)} {interval(summary.interval)}".strip()
        rows.append((f"{MAIN} over {arm}", difference, p_value(summary.p), *_cost(tasks, arm)))
    header = ("on the mean over the tasks", "points", "p", f"training, {MAIN}", "training, the arm")
    return table(header, rows)


def _of_seed(results: Results, arm: str, seed: int) -> float:
    """Return the difference between knowledge and an arm on a seed of a task."""
    values = {
        one["arm"]: dict(zip(one["seeds"], one["values"], strict=True)) for one in results["arms"]
    }
    return float(values[MAIN][seed] - values[arm][seed])


def _cost(tasks: dict[str, Results], arm: str) -> Iterator[str]:
    """Yield the median over tasks of what the training of two arms took, plain being 1."""
    for name in (MAIN, arm):
        ratios = [
            one["cost_ratio"]["train_seconds"]
            for results in tasks.values()
            for one in results["arms"]
            if one["arm"] == name
        ]
        yield f"{median(ratios):.1f}"


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
    first, *others = ([arm["arm"] for arm in results["arms"]] for results in tasks.values())
    return [arm for arm in first if arm != MAIN and all(arm in names for names in others)]


def _difference(one: dict[str, Any]) -> str:
    return f"{points(one['mean'])} {interval(one['interval'])}".strip()
