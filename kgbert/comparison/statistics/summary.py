"""Summarise the runs of a study: arms, paired differences, slices, missing runs, the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from statistics import mean, median, stdev

from kgbert.comparison.checks.fairness import fairness_warnings, remarks
from kgbert.comparison.results import (
    AlternativeTests,
    ArmSummary,
    ComparisonResult,
    Cost,
    ItemLevelTest,
    ItemScores,
    PairedDifference,
    RunRecord,
    StudyRecord,
    TrainingCurve,
)
from kgbert.comparison.statistics.alternative_tests import (
    almost_stochastic_order,
    bca_interval,
    mcnemar,
    simulated_coverage,
)
from kgbert.comparison.statistics.pairing import PairedRuns, missing_runs, pair_runs
from kgbert.comparison.statistics.power import detectable_effect, seeds_needed
from kgbert.comparison.statistics.sign_flip import (
    PairedSummary,
    clustered_summary,
    paired_summary,
)
from kgbert.comparison.statistics.slice_results import ceiling, slice_results
from kgbert.comparison.statistics.verdict import Evidence, judge


def summarise(study: StudyRecord, runs: Sequence[RunRecord]) -> ComparisonResult:
    """Return the summary of the runs of a study.

    Only seeds finished in the main arm, the baseline and the control are compared; the mean of
    an arm is over all seeds that it finished.
    """
    paired = pair_runs(study, runs)
    comparisons = tuple(_comparison(paired, *pair) for pair in _compared(study))
    slices = slice_results(paired)
    return ComparisonResult(
        study=study,
        verdict=judge(_evidence(paired)),
        remarks=tuple(remarks(paired, comparisons, slices)),
        warnings=(*study.warnings, *fairness_warnings(paired)),
        complete_seeds=tuple(paired.complete),
        missing=tuple(missing_runs(paired, study.arms)),
        arms=tuple(_arm(paired, arm) for arm in study.arms),
        comparisons=comparisons,
        slices=tuple(slices),
        ceiling=ceiling(paired),
    )


def _evidence(runs: PairedRuns) -> Evidence:
    study = runs.study
    main, baseline, *control = study.judged_arms
    rival, rival_over_main = _better_rival(runs)
    return Evidence(
        main=main,
        baseline=baseline,
        control=control[0] if control else "",
        metric=study.metric,
        over_baseline=_summary(runs, main, baseline),
        over_control=_summary(runs, main, control[0]) if control else None,
        seeds=len(study.seeds),
        seed_hint=study.seed_hint,
        rival=rival,
        rival_over_main=rival_over_main,
    )


def _better_rival(runs: PairedRuns) -> tuple[str, PairedSummary | None]:
    """Return the best of the arms that are not judged, if it is better than main on average."""
    rivals = [arm for arm in runs.study.arms if arm not in runs.study.judged_arms]
    compared = [(arm, _summary(runs, arm, runs.study.main)) for arm in rivals]
    better = [(arm, found) for arm, found in compared if found and found.mean > 0]
    return max(better, key=lambda each: each[1].mean, default=("", None))


def _compared(study: StudyRecord) -> list[tuple[str, str]]:
    """Return the compared pairs: main with each other arm, then each of these with the baseline."""
    main, baseline, *control = study.judged_arms
    others = [arm for arm in study.arms if arm not in {main, baseline, *control}]
    rivals = [*control, *others]
    return [(main, arm) for arm in (baseline, *rivals)] + [(arm, baseline) for arm in rivals]


def _differences(runs: PairedRuns, first: str, second: str) -> list[float]:
    return [runs.score(one) - runs.score(other) for one, other in runs.pairs(first, second)]


def _summary(runs: PairedRuns, first: str, second: str) -> PairedSummary | None:
    differences = _differences(runs, first, second)
    return paired_summary(differences) if differences else None


def _comparison(runs: PairedRuns, first: str, second: str) -> PairedDifference:
    summary = _summary(runs, first, second)
    return PairedDifference(
        first=first,
        second=second,
        seeds=tuple(one.seed for one, _ in runs.pairs(first, second)),
        differences=tuple(_differences(runs, first, second)),
        summary=summary,
        detectable=detectable_effect(summary.sd or 0.0, summary.count) if summary else None,
        item_level=_item_level(runs.pairs(first, second)),
        alternative_tests=_alternative_tests(runs, first, second),
    )


def _item_level(pairs: Sequence[tuple[RunRecord, RunRecord]]) -> ItemLevelTest | None:
    """Compare two arms item by item, where all seeds share one test set.

    The items of one document keep or change their sign together, over all seeds.
    """
    items = _items(pairs)
    if not items or any(one.ids != items[0][0].ids for pair in items for one in pair):
        return None
    clusters = items[0][0].clusters
    differences = [
        mean(one.correct[row] - other.correct[row] for one, other in items)
        for row in range(len(clusters))
    ]
    return ItemLevelTest(len(clusters), clustered_summary(differences, clusters))


def _items(
    pairs: Sequence[tuple[RunRecord, RunRecord]],
) -> list[tuple[ItemScores, ItemScores]]:
    """Return the items of each pair of runs; an empty list where a run does not record them."""
    items = [(one.items, other.items) for one, other in pairs if one.items and other.items]
    return items if len(items) == len(pairs) else []


def _alternative_tests(runs: PairedRuns, first: str, second: str) -> AlternativeTests | None:
    """Return the results of other tests on the arms of the verdict."""
    pairs = runs.pairs(first, second)
    if not {first, second} <= set(runs.study.judged_arms) or len(pairs) < seeds_needed():
        return None
    scores = [[runs.score(run) for run in arm] for arm in zip(*pairs, strict=True)]
    return AlternativeTests(
        stochastic_order=almost_stochastic_order(*scores),
        bca_interval=bca_interval(_differences(runs, first, second)),
        bca_coverage=_bca_coverage(len(pairs)),
        mcnemar=tuple(_mcnemar(runs, pairs)),
    )


@cache
def _bca_coverage(pairs: int) -> float:
    """Return the simulated coverage of the BCa interval of some number of pairs."""
    return simulated_coverage(bca_interval, pairs)


def _mcnemar(runs: PairedRuns, pairs: Sequence[tuple[RunRecord, RunRecord]]) -> list[float]:
    """Return McNemar's p for each seed's two models, if every text is its own document."""
    items = _items(pairs)
    if runs.study.metric != "accuracy":
        return []
    if any(len(set(one.clusters)) < len(one.clusters) for one, _ in items):
        return []
    changes = [
        [after - before for after, before in zip(one.correct, other.correct, strict=True)]
        for one, other in items
    ]
    return [mcnemar(change.count(1), change.count(-1)) for change in changes]


def _arm(runs: PairedRuns, arm: str) -> ArmSummary:
    done = runs.of(arm)
    scores = tuple(runs.score(run) for run in done)
    cost = _median_cost(done)
    return ArmSummary(
        name=arm,
        seeds=tuple(run.seed for run in done),
        scores=scores,
        mean=mean(scores) if scores else None,
        sd=stdev(scores) if len(scores) > 1 else None,
        failed=tuple(seed for name, seed in runs.failed if name == arm),
        metrics=_means([run.metrics for run in done]),
        validation=_means([run.validation for run in done]),
        cost=cost,
        cost_ratio=_cost_ratio(cost, _median_cost(runs.of(runs.study.baseline))),
        training_config=done[0].training_config if done else None,
        curves=tuple(
            TrainingCurve(run.seed, run.best_epoch, run.history) for run in done if run.history
        ),
    )


def _median_cost(done: Sequence[RunRecord]) -> Cost:
    values = {
        name: [value for run in done if (value := getattr(run.cost, name)) is not None]
        for name in _cost_names()
    }
    return Cost(**{name: median(measured) for name, measured in values.items() if measured})


def _cost_ratio(cost: Cost, baseline: Cost) -> Cost:
    pairs = {name: (getattr(cost, name), getattr(baseline, name)) for name in _cost_names()}
    return Cost(
        **{name: one / other for name, (one, other) in pairs.items() if one is not None and other}
    )


def _cost_names() -> list[str]:
    return [field.name for field in fields(Cost)]


def _means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for score in scores for name in score)
    return {name: mean(score[name] for score in scores if name in score) for name in names}
