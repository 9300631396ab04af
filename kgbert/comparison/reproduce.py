"""Compare the results of a comparison with those of a rerun."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgbert.comparison.results import ComparisonResult, Manifest
from kgbert.reporting.formatting import listing, metric_name, score
from kgbert.utils.json_records import to_json

#: Scores closer than this are equal: the order of a floating-point sum may differ.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Agreement:
    """Whether two comparisons agree, and how they differ.

    Attributes:
        agrees: True if the verdict is the same, from the same texts, graph and settings.
        sentences: The differences, the most important first.
    """

    agrees: bool
    sentences: tuple[str, ...]


def agreement(before: ComparisonResult, after: ComparisonResult) -> Agreement:
    """Compare the results of a comparison with those of a rerun."""
    changed = list(_changed(before.study.manifest, after.study.manifest))
    old, new = before.verdict.outcome, after.verdict.outcome
    verdict = f"{new!r} again" if old == new else f"{old!r} before, {new!r} now"
    agrees = old == new and not changed
    opening = "Reproduced" if agrees else "Not reproduced"
    sentences = [f"{opening}: the verdict is {verdict}. {_scores(before, after)}"]
    if changed:
        sentences.append(f"It was not the same comparison; what changed: {listing(changed)}.")
    if versions := list(_versions(before.study.manifest, after.study.manifest)):
        sentences.append(f"Other versions: {', '.join(versions)}.")
    return Agreement(agrees, tuple(sentences))


def _scores(before: ComparisonResult, after: ComparisonResult) -> str:
    """Return how many runs have another score, and by how much."""
    old, new = _by_run(before), _by_run(after)
    both = [run for run in old if run in new]
    gaps = [gap for run in both if (gap := abs(old[run] - new[run])) > TOLERANCE]
    metric = metric_name(before.study.metric)
    missing = f" {len(old) - len(both)} runs were not repeated." if len(both) < len(old) else ""
    if not gaps:
        return f"All {len(both)} runs have the same {metric} as before.{missing}"
    return (
        f"{len(gaps)} of {len(both)} runs have another {metric}, by at most {score(max(gaps))} "
        f"points.{missing}"
    )


def _by_run(result: ComparisonResult) -> dict[tuple[str, int], float]:
    return {
        (arm.name, seed): value
        for arm in result.arms
        for seed, value in zip(arm.seeds, arm.scores, strict=True)
    }


def _changed(before: Manifest, after: Manifest) -> Iterator[str]:
    """Yield the names of the inputs of a result that differ now."""
    if before.graph.hash != after.graph.hash:
        yield "the graph"
    if _split_hashes(before) != _split_hashes(after):
        yield "the texts"
    if before.backbone != after.backbone:
        yield "the encoder"
    # Manifests of older versions do not record the linker.
    if before.linker is not None and _as_json(before.linker) != _as_json(after.linker):
        yield "the linker"
    if _as_json(before.training_configs) != _as_json(after.training_configs):
        yield "the settings"


def _split_hashes(manifest: Manifest) -> list[str]:
    return [split.hash for split in manifest.splits.values()]


def _as_json(value: Any) -> str:
    # The form in a file, where tuples become lists.
    return json.dumps(to_json(value), sort_keys=True)


def _versions(before: Manifest, after: Manifest) -> Iterator[str]:
    for package, version in after.versions.items():
        if before.versions.get(package) != version:
            yield f"{package} {before.versions.get(package, 'unknown')}, now {version}"
