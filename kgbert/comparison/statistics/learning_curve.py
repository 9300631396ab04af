"""The curve over the number of training texts, as results hold it."""

from collections.abc import Mapping
from typing import Any

from kgbert.comparison.statistics.pairing import judged_arms


def size_row(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a comparison says about the curve over the number of training texts."""
    texts = next(iter(results["manifest"]["data"].values()))["train"]
    main, *judged = judged_arms(dict(results))
    return {
        "size": texts,
        "arms": {arm["arm"]: arm["mean"] for arm in results["arms"]},
        "over": {
            one["second"]: {name: one[name] for name in ("count", "mean", "interval", "p", "wins")}
            for one in results["comparisons"]
            if one["first"] == main and one["second"] in judged
        },
        "outcome": results["verdict"]["outcome"],
    }


def size_rows(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of all numbers of training texts; none where there was only one."""
    smaller = results.get("learning_curve") or []
    return [*smaller, size_row(results)] if smaller else []
