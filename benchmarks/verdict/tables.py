"""Tables of the verdict benchmark: by task, on the mean over the tasks, and by arm."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

from benchmarks.rendering.markdown import table
from kgbert.comparison.results import ComparisonResult, PairedDifference
from kgbert.comparison.statistics.multiple_testing import family
from kgbert.comparison.statistics.sign_flip import PairedSummary, paired_summary
from kgbert.reporting.formatting import interval, listing, metric_name, p_value, points, score

MAIN, BASELINE = "knowledge", "plain"


def read_verdicts(folder: Path) -> dict[str, ComparisonResult]:
    """Return the results of each finished task, by name."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: ComparisonResult.load(path) for path in paths}


def read_floors(path: Path) -> dict[str, list[float]]:
    """Return the scores of TF-IDF with a linear model by task, one for each seed."""
    if not path.exists():
        return {}
    tasks = json.loads(path.read_text(encoding="utf-8"))["tasks"]
    return {name: task["scores"] for name, task in tasks.items()}


def verdict_tables(
    tasks: dict[str, ComparisonResult], floors: Mapping[str, Sequence[float]]
) -> str:
    """Return the results of the tasks, combined and one by one.

    Args:
        tasks: The results by name.
        floors: The scores of TF-IDF with a linear model by task and seed.
    """
    combined = [_corrected_for_tasks(tasks), _mean_table(tasks)] if len(tasks) > 1 else []
    verdicts = [
        f"- **{results.study.name}**: {_verdict_text(results)}" for results in tasks.values()
    ]
    sections = [
        _task_table(tasks, floors),
        *combined,
        _warning_sentence(tasks),
        "\n".join(verdicts),
    ]
    return "\n\n".join(filter(None, sections))


def all_arms_table(tasks: dict[str, ComparisonResult]) -> str:
    """Return the scores of all arms, and the gain of knowledge over each of them."""
    header = ["arm"]
    for name in tasks:
        header += [name, f"{MAIN} over it"]
    mean = ["on the mean", "p"] if len(tasks) > 1 else []
    arms = dict.fromkeys(arm for results in tasks.values() for arm in _arms_of(results))
    return table((*header, *mean, "training"), [_arm_row(tasks, arm) for arm in arms])


def _task_table(tasks: dict[str, ComparisonResult], floors: Mapping[str, Sequence[float]]) -> str:
    baselines = _shared_arms(tasks)
    gains = [f"over {arm}" for arm in baselines]
    header = ("task", "texts", "metric", "TF-IDF", BASELINE, MAIN, *gains)
    rows = []
    for name, results in tasks.items():
        means = {arm.name: arm.mean for arm in results.arms if arm.mean is not None}
        texts = results.study.manifest.train_size
        by_baseline = {pair.second: pair for pair in _main_comparisons(results)}
        rows.append(
            (
                name,
                f"{texts:,}",
                metric_name(results.study.metric),
                _floor(results, floors.get(name)),
                score(means[BASELINE]),
                score(means[MAIN]),
                *(_difference(by_baseline[arm]) for arm in baselines),
                results.verdict.outcome,
            )
        )
    return table((*header, "verdict"), rows)


def _floor(results: ComparisonResult, scores: Sequence[float] | None) -> str:
    """Return the mean floor over the seeds of a result; empty where the task has none."""
    if scores is None:
        return ""
    return score(fmean(scores[seed] for seed in results.complete_seeds))


def _mean_table(tasks: dict[str, ComparisonResult]) -> str:
    """Return the gains on the mean over the tasks, for arms that all tasks share."""
    rows = [
        (f"{MAIN} over {arm}", *_mean_gain(tasks, arm), _cost(tasks, MAIN), _cost(tasks, arm))
        for arm in _shared_arms(tasks)
    ]
    header = ("on the mean over the tasks", "points", "p", f"training, {MAIN}", "training, the arm")
    return table(header, rows)


def _arms_of(results: ComparisonResult) -> list[str]:
    return [arm.name for arm in results.arms]


def _arm_row(tasks: dict[str, ComparisonResult], arm: str) -> list[str]:
    row = [arm]
    for results in tasks.values():
        means = {arm.name: arm.mean for arm in results.arms if arm.mean is not None}
        by_baseline = {pair.second: _difference(pair) for pair in _main_comparisons(results)}
        row += [score(means[arm]) if arm in means else "", by_baseline.get(arm, "")]
    tasks_with_arm = {name: results for name, results in tasks.items() if arm in _arms_of(results)}
    if len(tasks) > 1:
        everywhere = len(tasks_with_arm) == len(tasks) and arm != MAIN
        row += _mean_gain(tasks, arm) if everywhere else ("", "")
    return [*row, _cost(tasks_with_arm, arm)]


def _mean_gain(tasks: dict[str, ComparisonResult], arm: str) -> tuple[str, str]:
    """Return the gain of knowledge over an arm on the mean over tasks, paired by seed, and p."""
    seeds = sorted(set.intersection(*(set(one.complete_seeds) for one in tasks.values())))
    differences = [
        fmean(_seed_difference(one, arm, seed) for one in tasks.values()) for seed in seeds
    ]
    summary = paired_summary(differences)
    return f"{points(summary.mean)} {interval(summary.interval)}".strip(), p_value(summary.p)


def _seed_difference(results: ComparisonResult, arm: str, seed: int) -> float:
    """Return the difference between knowledge and an arm on one seed of a task."""
    values = {one.name: dict(zip(one.seeds, one.scores, strict=True)) for one in results.arms}
    return float(values[MAIN][seed] - values[arm][seed])


def _cost(tasks: dict[str, ComparisonResult], arm: str) -> str:
    """Return the median over tasks of an arm's training time relative to plain."""
    ratios = [
        one.cost_ratio.train_seconds
        for results in tasks.values()
        for one in results.arms
        if one.name == arm and one.cost_ratio.train_seconds
    ]
    return f"{median(ratios):.1f}"


def _corrected_for_tasks(tasks: dict[str, ComparisonResult]) -> str:
    by_baseline = {name: next(iter(_main_comparisons(results))) for name, results in tasks.items()}
    fewest = min(_summary(pair).count for pair in by_baseline.values())
    return family({name: _summary(pair).p for name, pair in by_baseline.items()}, fewest).sentence


def _warning_sentence(tasks: dict[str, ComparisonResult]) -> str:
    names = [name for name, results in tasks.items() if results.warnings]
    return f"The results of {listing(names)} contain warnings." if names else ""


def _verdict_text(results: ComparisonResult) -> str:
    return " ".join([results.verdict.sentence, *results.remarks])


def _main_comparisons(results: ComparisonResult) -> list[PairedDifference]:
    return [pair for pair in results.comparisons if pair.first == MAIN]


def _shared_arms(tasks: dict[str, ComparisonResult]) -> list[str]:
    """Return the arms of every task except knowledge, in the order of the first task."""
    first, *others = map(_arms_of, tasks.values())
    return [arm for arm in first if arm != MAIN and all(arm in names for names in others)]


def _difference(pair: PairedDifference) -> str:
    summary = _summary(pair)
    return f"{points(summary.mean)} {interval(summary.interval)}".strip()


def _summary(pair: PairedDifference) -> PairedSummary:
    assert pair.summary is not None, "results are only written for complete seeds"
    return pair.summary
