"""What a reader of the verdict must also know: what is not there, and rivals that did better."""

from collections.abc import Sequence
from typing import Any

from kgbert.comparing.pairing import PairedRuns, judged_arms, missing_runs
from kgbert.comparing.power import ALPHA
from kgbert.comparing.wording import arm_name, interval, listing, metric_name, p_value, points

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
    if not (smaller := runs.study.get("smaller")):
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
