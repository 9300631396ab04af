"""Does a comparison that was run again say the same?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgbert.reporting.formatting import listing, metric_name, score

Results = dict[str, Any]

#: Scores closer than this are equal: sums of floats may come in another order.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Agreement:
    """Whether two comparisons agree, and in what they differ.

    Attributes:
        agrees: True if the verdict is the same, from the same texts, graph and settings.
        sentences: What was found, the most important first.
    """

    agrees: bool
    sentences: tuple[str, ...]


def agreement(before: Results, after: Results) -> Agreement:
    """Compare the results of a comparison with those of doing it again.

    Args:
        before: The content of ``results.json``.
        after: What :func:`kgbert.compare` returned, or another ``results.json``.
    """
    # As they stand in a file: tuples are lists there.
    before, after = (json.loads(json.dumps(results)) for results in (before, after))
    changed = list(_changed(before["manifest"], after["manifest"]))
    verdicts = before["verdict"]["outcome"], after["verdict"]["outcome"]
    same = verdicts[0] == verdicts[1]
    said = f"{verdicts[1]!r} again" if same else f"{verdicts[0]!r} before, {verdicts[1]!r} now"
    opening = "It agrees" if same and not changed else "It does not agree"
    sentences = [f"{opening}: the verdict is {said}. {_scores(before, after)}"]
    if changed:
        sentences.append(f"It was not the same comparison: {listing(changed)} differ.")
    if versions := list(_versions(before["manifest"], after["manifest"])):
        sentences.append(f"Other versions: {', '.join(versions)}.")
    return Agreement(same and not changed, tuple(sentences))


def _scores(before: Results, after: Results) -> str:
    """Say how many runs have another score, and by how much."""
    old, new = _by_run(before), _by_run(after)
    both = [place for place in old if place in new]
    gaps = [abs(old[place] - new[place]) for place in both]
    apart = [gap for gap in gaps if gap > TOLERANCE]
    metric = metric_name(before["metric"])
    lacking = f" {len(old) - len(both)} runs were not done again." if len(both) < len(old) else ""
    if not apart:
        return f"All {len(both)} runs have the {metric} they had.{lacking}"
    return (
        f"{len(apart)} of {len(both)} runs have another {metric}, by {score(max(apart))} points at "
        f"most.{lacking}"
    )


def _by_run(results: Results) -> dict[tuple[str, int], float]:
    return {
        (arm["arm"], seed): value
        for arm in results["arms"]
        for seed, value in zip(arm["seeds"], arm["values"], strict=True)
    }


def _changed(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield the names of what a result depends on and is another now."""
    for name, key in (("the graph", "graph"), ("the texts", "data")):
        if _hashes(before[key]) != _hashes(after[key]):
            yield name
    if before["backbone"] != after["backbone"]:
        yield "the encoder"
    # Manifests of older versions do not tell the linker.
    if before.get("linker", after["linker"]) != after["linker"]:
        yield "the linker"
    if before["training_configs"] != after["training_configs"]:
        yield "the settings"


def _hashes(told: dict[str, Any]) -> list[str]:
    return [told["hash"]] if "hash" in told else [part["hash"] for part in told.values()]


def _versions(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for package, version in after["versions"].items():
        if before["versions"].get(package) != version:
            yield f"{package} {before['versions'].get(package, 'unknown')}, now {version}"
