"""Where a difference comes from: parts of the test set, and the most that could be gained."""

from statistics import mean
from typing import Any

from kgbert.comparison.statistics.pairing import PairedRuns, Run, judged_arms
from kgbert.comparison.statistics.sign_flip import paired_summary, summary_fields

#: The stratum of texts in which at least one mention was linked, and its opposite.
LINKED, UNLINKED = "linked", "unlinked"


def strata(runs: PairedRuns) -> list[dict[str, Any]]:
    """Return, for each part of the test set, the score of each arm and the paired difference.

    A seed whose test set has no text of a stratum is left out of that stratum. A stratum that is
    the whole test set with every seed says nothing more, and is left out.
    """
    main, baseline = runs.study["main"], runs.study["baseline"]
    pairs = runs.pairs(main, baseline)
    both = [run for pair in pairs for run in pair]
    names = dict.fromkeys(name for run in both for name in run.get("strata", {}))
    rows = [
        _stratum(runs, name, pairs)
        for name in names
        if not all(_is_whole(run, name, runs.study["metric"]) for run in both)
    ]
    return [row for row in rows if row["count"]]


def ceiling(runs: PairedRuns) -> dict[str, Any] | None:
    """Return the share of linked texts, and the gain if each of them were answered right.

    Knowledge can only act where something was linked, so no arm can gain more than this.
    None where the runs do not tell linked from unlinked texts, and for a metric like F1, which is
    no mean over texts.
    """
    if runs.study["metric"] != "accuracy":
        return None
    shares, gains = [], []
    for _, plain in runs.pairs(runs.study["main"], runs.study["baseline"]):
        linked, unlinked = (_part(plain, name) for name in (LINKED, UNLINKED))
        total = linked["size"] + unlinked["size"]
        if linked["size"]:
            shares.append(linked["size"] / total)
            gains.append(linked["size"] / total * (1 - linked["accuracy"]))
    if not shares:
        return None
    return {"linked_share": mean(shares), "largest_gain": mean(gains)}


def _stratum(runs: PairedRuns, name: str, pairs: list[tuple[Run, Run]]) -> dict[str, Any]:
    both = [pair for pair in pairs if all(_part(run, name)["size"] for run in pair)]
    metric = runs.study["metric"]
    differences = [_part(one, name)[metric] - _part(other, name)[metric] for one, other in both]
    means = {}
    for arm in (arm for arm in runs.study["arms"] if arm in judged_arms(runs.study)):
        values = [
            _part(runs.done[arm, one["seed"]], name)[metric]
            for one, _ in both
            if _part(runs.done[arm, one["seed"]], name)["size"]
        ]
        means[arm] = mean(values) if values else None
    return {
        "stratum": name,
        "size": mean(_part(one, name)["size"] for one, _ in both) if both else 0,
        "arms": means,
        "differences": differences,
        **summary_fields(paired_summary(differences) if differences else None),
    }


def _is_whole(run: Run, name: str, metric: str) -> bool:
    part, texts = _part(run, name), len(run.get("items", {}).get("ids", ()))
    # Where spans are counted, all texts may have one of a part that is not all of the spans.
    return bool(part["size"] == texts > 0 and part[metric] == run["metrics"][metric])


def _part(run: Run, name: str) -> dict[str, Any]:
    found: dict[str, Any] = run.get("strata", {}).get(name) or {"size": 0}
    return found
