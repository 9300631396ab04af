"""What makes a comparison unfair and can be seen in the runs themselves."""

from collections.abc import Sequence
from statistics import mean, median
from typing import Any

from kgbert.comparison.statistics.pairing import PairedRuns, judged_arms, missing_runs
from kgbert.comparison.statistics.power import ALPHA
from kgbert.reporting.formatting import (
    arm_name,
    interval,
    listing,
    metric_name,
    p_value,
    points,
    quantity,
)
from kgbert.reporting.svg import Number

#: So many incomplete seeds are told one by one; the others are counted.
TOLD = 3


def remarks(
    runs: PairedRuns, comparisons: Sequence[dict[str, Any]], parts: Sequence[dict[str, Any]]
) -> list[str]:
    """Return a sentence for each thing that qualifies the verdict."""
    return [
        *_on_the_unseen(runs, parts),
        *_with_fewer_texts(runs, comparisons),
        *_incomplete(runs),
        *_unfinished_rivals(runs),
        *_better_rivals(runs, comparisons),
        *runs.study.get("budget", []),
    ]


def _on_the_unseen(runs: PairedRuns, parts: Sequence[dict[str, Any]]) -> list[str]:
    """Say what knowledge is there for: how the difference carries over to what is new."""
    by_name = {part["stratum"]: part for part in parts}
    for what in ("names", "mentions"):
        new, known = (by_name.get(f"{what} {kind} in training") for kind in ("unseen", "seen"))
        if new and new["interval"]:
            beside = f", where they are seen {_shown(known)}" if known else ""
            return [
                f"Where {what} are unseen in training, the difference to "
                f"{runs.study['baseline']} is {_shown(new)} points{beside}."
            ]
    return []


def _with_fewer_texts(runs: PairedRuns, comparisons: Sequence[dict[str, Any]]) -> list[str]:
    """Say how the difference changes from the fewest training texts to the most."""
    if not (smaller := runs.study.get("learning_curve")):
        return []
    baseline, (fewest, *_) = runs.study["baseline"], smaller
    few, many = fewest["over"][baseline], comparisons[0]
    if not (few["count"] and many["count"]):
        return []
    most = next(iter(runs.study["manifest"]["data"].values()))["train"]
    return [
        f"With {fewest['size']:,} training texts the difference to {baseline} is {_shown(few)} "
        f"points, with {most:,} {_shown(many)}."
    ]


def _shown(part: dict[str, Any]) -> str:
    return f"{points(part['mean'])} {interval(part['interval'])}".strip()


def _incomplete(runs: PairedRuns) -> list[str]:
    seeds = runs.study["seeds"]
    lacking = [_lacking(runs, seed) for seed in seeds if seed not in runs.complete]
    if not lacking:
        return []
    rest = [f"{len(lacking) - TOLD} more"] if len(lacking) > TOLD else []
    return [
        f"Incomplete and not counted: {len(lacking)} of {len(seeds)} seeds, "
        f"{listing(lacking[:TOLD] + rest)}. Run the same command again to fill in what is missing."
    ]


def _lacking(runs: PairedRuns, seed: int) -> str:
    """Say what an incomplete seed lacks: ``seed 3 (knowledge failed, plain not run)``."""
    arms: dict[str, list[str]] = {}
    for run in missing_runs(runs, judged_arms(runs.study)):
        if run["seed"] == seed:
            arms.setdefault(run["reason"], []).append(run["arm"])
    reasons = (f"{listing(names)} {reason}" for reason, names in arms.items())
    return f"seed {seed} ({', '.join(reasons)})"


def _unfinished_rivals(runs: PairedRuns) -> list[str]:
    rivals = [arm for arm in runs.study["arms"] if arm not in judged_arms(runs.study)]
    asked = len(runs.study["seeds"])
    return [
        f"The arm {arm!r} finished {len(runs.of(arm))} of {asked} seeds; its comparisons rest on "
        f"those."
        for arm in rivals
        if len(runs.of(arm)) < asked
    ]


def _better_rivals(runs: PairedRuns, comparisons: Sequence[dict[str, Any]]) -> list[str]:
    """Name the arms, baseline and control apart, that beat the main arm beyond chance."""
    main, *judged = judged_arms(runs.study)
    return [
        f"The arm {one['second']!r} does better than {arm_name(main)}: {points(-one['mean'])} "
        f"points of {metric_name(runs.study['metric'])} {_turned(one['interval'])}, "
        f"p = {p_value(one['p'])}."
        for one in comparisons
        if one["first"] == main and one["second"] not in judged
        if one["p"] is not None and one["p"] < ALPHA and one["mean"] < 0
    ]


def _turned(limits: Sequence[float] | None) -> str:
    return interval([-limit for limit in reversed(limits)] if limits else None)


#: A baseline cut off in more than this share of its runs was not given the time it needed.
CUT_OFF_SHARE = 0.5
#: Arms whose sizes differ by more than this share are said to differ.
SIZE_SHARE = 0.01


def fairness_warnings(runs: PairedRuns) -> list[str]:
    """Return a sentence for each sign that the arms did not compete on equal terms."""
    return [
        *_still_improving(runs),
        *_at_the_edge_of_the_grid(runs),
        *_control_of_other_size(runs),
        *_larger_rivals(runs),
    ]


def _still_improving(runs: PairedRuns) -> list[str]:
    """Name the arms whose best epoch was mostly the last one that they were allowed."""
    told = []
    for arm in judged_arms(runs.study):
        cut_off = [
            run["best_epoch"] >= run["settings"]["epochs"]
            for run in runs.of(arm)
            if run.get("best_epoch") and run.get("settings", {}).get("epochs")
        ]
        if cut_off and mean(cut_off) > CUT_OFF_SHARE:
            told.append(f"{arm!r} in {sum(cut_off)} of {len(cut_off)} runs")
    if not told:
        return []
    return [
        f"Still improving when it stopped, the last epoch being the best: {listing(told)}. More "
        f"epochs may change the comparison."
    ]


def _at_the_edge_of_the_grid(runs: PairedRuns) -> list[str]:
    """Name the arms whose best learning rate may lie outside of what was tried."""
    told = runs.study.get("tuning") or {"rates": [], "chosen": {}}
    if len(told["rates"]) < 2:
        return []
    edges = {"lowest": min(told["rates"]), "highest": max(told["rates"])}
    sentences = []
    for edge, rate in edges.items():
        arms = [repr(arm) for arm in judged_arms(runs.study) if told["chosen"].get(arm) == rate]
        if arms:
            sentences.append(
                f"The {edge} learning rate tried, {rate:g}, is the best for {listing(arms)}: one "
                f"beyond it may be better still and change the comparison. Search a wider grid."
            )
    return sentences


def _control_of_other_size(runs: PairedRuns) -> list[str]:
    """Warn if main arm and control differ in size; the plain arm is smaller by design."""
    main, _, *control = judged_arms(runs.study)
    sizes = _sizes(runs, [main, *control])
    if len(sizes) < 2 or max(sizes.values()) <= (1 + SIZE_SHARE) * min(sizes.values()):
        return []
    told = " and ".join(f"{arm!r} {quantity(size)}" for arm, size in sizes.items())
    return [f"Main arm and control differ in size ({told} parameters), so size may explain a gain."]


def _larger_rivals(runs: PairedRuns) -> list[str]:
    """Warn of arms beside the judged ones that have more parameters than the main arm."""
    main, *judged = judged_arms(runs.study)
    sizes = _sizes(runs, [arm for arm in runs.study["arms"] if arm not in judged])
    if main not in sizes:
        return []
    larger = [
        f"{arm!r} by {100 * (size / sizes[main] - 1):.0f} %"
        for arm, size in sizes.items()
        if size > (1 + SIZE_SHARE) * sizes[main]
    ]
    if not larger:
        return []
    return [f"Arms larger than {main!r}: {listing(larger)}, so size may explain what they gain."]


def _sizes(runs: PairedRuns, arms: Sequence[str]) -> dict[str, Number]:
    """Return the parameters of each arm that has a finished run."""
    return {
        arm: median(run["cost"]["parameters"] for run in finished)
        for arm in arms
        if (finished := [run for run in runs.of(arm) if run.get("cost", {}).get("parameters")])
    }
