"""What makes a comparison unfair and can be seen in the runs themselves."""

from collections.abc import Sequence
from statistics import mean, median

from kgbert.comparing.pairing import PairedRuns, judged_arms
from kgbert.comparing.wording import listing, quantity
from kgbert.drawing.axis import Number

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
