"""Results on slices of the test set, and the upper bound of the gain."""

from statistics import mean

from kgbert.comparison.results import (
    ALSO_TESTED,
    KnowledgeCeiling,
    RunRecord,
    SliceResult,
    SliceScore,
)
from kgbert.comparison.statistics.pairing import PairedRuns
from kgbert.comparison.statistics.sign_flip import paired_summary

#: The slice of texts with at least one linked mention, and its complement.
LINKED, UNLINKED = "linked", "unlinked"

_EMPTY = SliceScore(0, {})


def slice_results(runs: PairedRuns) -> list[SliceResult]:
    """Return, for each slice of the test set, the score of each arm and the paired difference.

    A seed without test texts in a slice is left out of that slice. A slice that equals the whole
    test set on every seed is left out.
    """
    pairs = runs.pairs(runs.study.main, runs.study.baseline)
    both = [run for pair in pairs for run in pair]
    names = dict.fromkeys(
        name for run in both for name in run.slices if not name.startswith(ALSO_TESTED)
    )
    results = [
        _slice_result(runs, name, pairs)
        for name in names
        if not all(_is_whole(run, name, runs.study.metric) for run in both)
    ]
    return [result for result in results if result is not None]


def ceiling(runs: PairedRuns) -> KnowledgeCeiling | None:
    """Return the share of linked texts, and the gain if each of them were answered correctly.

    Injected knowledge only acts on linked texts, so no arm can gain more than this. The result is
    None where the runs do not record linked texts, where texts are compared with the entities of
    labels, and for a metric like F1 that is no mean over texts.
    """
    if runs.study.metric != "accuracy" or runs.study.compares_labels:
        return None
    shares, gains = [], []
    for _, plain in runs.pairs(runs.study.main, runs.study.baseline):
        linked, unlinked = (plain.slices.get(name, _EMPTY) for name in (LINKED, UNLINKED))
        if linked.size:
            share = linked.size / (linked.size + unlinked.size)
            shares.append(share)
            gains.append(share * (1 - _score(linked, "accuracy")))
    return KnowledgeCeiling(mean(shares), mean(gains)) if shares else None


def _slice_result(
    runs: PairedRuns, name: str, pairs: list[tuple[RunRecord, RunRecord]]
) -> SliceResult | None:
    metric = runs.study.metric
    scored = [
        (one.seed, one.slices[name], other.slices[name])
        for one, other in pairs
        if all(run.slices.get(name, _EMPTY).size for run in (one, other))
    ]
    if not scored:
        return None
    differences = [_score(one, metric) - _score(other, metric) for _, one, other in scored]
    means: dict[str, float | None] = {}
    for arm in (arm for arm in runs.study.arms if arm in runs.study.judged_arms):
        slices = [runs.done[arm, seed].slices.get(name, _EMPTY) for seed, _, _ in scored]
        values = [_score(part, metric) for part in slices if part.size]
        means[arm] = mean(values) if values else None
    return SliceResult(
        name=name,
        size=mean(one.size for _, one, _ in scored),
        means=means,
        differences=tuple(differences),
        summary=paired_summary(differences),
    )


def _is_whole(run: RunRecord, name: str, metric: str) -> bool:
    part = run.slices.get(name, _EMPTY)
    texts = len(run.items.ids) if run.items else 0
    # Slices of spans: every text may have a span in a slice that lacks other spans.
    return part.size == texts > 0 and part.metrics[metric] == run.metrics[metric]


def _score(part: SliceScore, metric: str) -> float:
    score = part.metrics[metric]
    assert score is not None, "a slice with texts has a score"
    return score
