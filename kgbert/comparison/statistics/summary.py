"""Summarise the runs of a study: arms, paired differences, strata, what is missing, the verdict.

A *run* is the dictionary that the runner writes for one arm and one seed; a *study* says which
arms and seeds were asked for. The results hold nothing but numbers, strings, lists and
dictionaries, so that they are the content of ``results.json``.
"""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, median, stdev
from typing import Any

from kgbert.comparison.checks.fairness import fairness_warnings, remarks
from kgbert.comparison.statistics.alternative_tests import (
    almost_stochastic_order,
    bca_interval,
    mcnemar,
    simulated_coverage,
)
from kgbert.comparison.statistics.pairing import (
    PairedRuns,
    Run,
    Study,
    judged_arms,
    missing_runs,
    pair_runs,
)
from kgbert.comparison.statistics.power import detectable_effect, seeds_needed
from kgbert.comparison.statistics.sign_flip import (
    PairedSummary,
    clustered_summary,
    paired_summary,
    summary_fields,
)
from kgbert.comparison.statistics.slice_results import ceiling, strata
from kgbert.comparison.statistics.verdict import Evidence, judge

Results = dict[str, Any]

COSTS = ("train_seconds", "predict_seconds", "peak_memory_mb", "parameters", "added_parameters")


def summarise(study: Study, runs: Sequence[Run]) -> Results:
    """Return everything that the runs of a study say, as one JSON-able dictionary.

    Only seeds finished in the main arm, the baseline and the control are compared; the mean of
    an arm is over all seeds that it finished. All that the study tells is kept; the report reads
    from it ``coverage``, ``manifest``, ``examples`` and ``descriptions`` (a sentence for each arm).
    """
    paired = pair_runs(study, runs)
    comparisons = [_comparison(paired, *pair) for pair in _compared(study)]
    parts = strata(paired)
    return {
        **study,
        "verdict": asdict(judge(_evidence(paired))),
        "remarks": remarks(paired, comparisons, parts),
        "complete_seeds": paired.complete,
        "missing": missing_runs(paired, study["arms"]),
        "arms": [_arm(paired, arm) for arm in study["arms"]],
        "comparisons": comparisons,
        "strata": parts,
        "ceiling": ceiling(paired),
        "warnings": [*study.get("warnings", []), *fairness_warnings(paired)],
    }


def _evidence(runs: PairedRuns) -> Evidence:
    study = runs.study
    arms = judged_arms(study)
    main, baseline, *control = arms
    return Evidence(
        main=main,
        baseline=baseline,
        control=control[0] if control else "",
        metric=study["metric"],
        over_baseline=_summary(runs, main, baseline),
        over_control=_summary(runs, main, control[0]) if control else None,
        asked=len(study["seeds"]),
        seed_hint=study.get("seed_hint", ""),
    )


def _compared(study: Study) -> list[tuple[str, str]]:
    """Return main with every other arm, then every arm but main with the baseline."""
    main, baseline, *control = judged_arms(study)
    others = [arm for arm in study["arms"] if arm not in {main, baseline, *control}]
    rivals = [*control, *others]
    return [(main, arm) for arm in (baseline, *rivals)] + [(arm, baseline) for arm in rivals]


def _differences(runs: PairedRuns, first: str, second: str) -> list[float]:
    return [runs.score(one) - runs.score(other) for one, other in runs.pairs(first, second)]


def _summary(runs: PairedRuns, first: str, second: str) -> PairedSummary | None:
    differences = _differences(runs, first, second)
    return paired_summary(differences) if differences else None


def _comparison(runs: PairedRuns, first: str, second: str) -> dict[str, Any]:
    summary = _summary(runs, first, second)
    return {
        "first": first,
        "second": second,
        "seeds": [one["seed"] for one, _ in runs.pairs(first, second)],
        "differences": _differences(runs, first, second),
        **summary_fields(summary),
        "detectable": detectable_effect(summary.sd or 0.0, summary.count) if summary else None,
        "item_level": _item_level(runs.pairs(first, second)),
        "other_tests": _other_tests(runs, first, second),
    }


def _item_level(pairs: list[tuple[Run, Run]]) -> dict[str, Any] | None:
    """Compare two arms item by item, where all seeds share one test set.

    The items of one document keep or change their sign together, over all seeds.
    """
    items = [run["items"] for pair in pairs for run in pair if run.get("items")]
    if not items or len(items) < 2 * len(pairs):
        return None
    if any(item["ids"] != items[0]["ids"] for item in items):
        return None
    documents = items[0].get("documents", items[0]["ids"])
    differences = [
        mean(one["items"]["correct"][row] - other["items"]["correct"][row] for one, other in pairs)
        for row in range(len(documents))
    ]
    return {"items": len(documents), **summary_fields(clustered_summary(differences, documents))}


def _other_tests(runs: PairedRuns, first: str, second: str) -> dict[str, Any] | None:
    """Return what other tests say of the arms that the verdict rests on."""
    pairs = runs.pairs(first, second)
    if not {first, second} <= set(judged_arms(runs.study)) or len(pairs) < seeds_needed():
        return None
    scores = [[runs.score(run) for run in arm] for arm in zip(*pairs, strict=True)]
    return {
        "stochastic_order": asdict(almost_stochastic_order(*scores)),
        "bca_interval": list(bca_interval(_differences(runs, first, second))),
        "bca_coverage": simulated_coverage(bca_interval, len(pairs)),
        "mcnemar": _mcnemar(runs, pairs),
    }


def _mcnemar(runs: PairedRuns, pairs: list[tuple[Run, Run]]) -> list[float]:
    """Return the p of each seed's two models, where the texts are right or wrong by themselves."""
    items = [(one.get("items") or {}, other.get("items") or {}) for one, other in pairs]
    if runs.study["metric"] != "accuracy" or not all(one and other for one, other in items):
        return []
    documents = [one.get("documents", one["ids"]) for one, _ in items]
    if any(len(set(each)) < len(each) for each in documents):
        return []
    gained = [
        [right - wrong for right, wrong in zip(one["correct"], other["correct"], strict=True)]
        for one, other in items
    ]
    return [mcnemar(texts.count(1), texts.count(-1)) for texts in gained]


def _arm(runs: PairedRuns, arm: str) -> dict[str, Any]:
    done = runs.of(arm)
    values = [runs.score(run) for run in done]
    costs, plain = _costs(done), _costs(runs.of(runs.study["baseline"]))
    return {
        "arm": arm,
        "seeds": [run["seed"] for run in done],
        "values": values,
        "mean": mean(values) if values else None,
        "sd": stdev(values) if len(values) > 1 else None,
        "failed": [seed for at, seed in runs.failed if at == arm],
        "metrics": _means([run["metrics"] for run in done]),
        "validation": _means([run.get("validation", {}) for run in done]),
        "cost": costs,
        "cost_ratio": {cost: costs[cost] / plain[cost] for cost in costs if plain.get(cost)},
        "settings": done[0].get("settings", {}) if done else {},
        "curves": [
            {"seed": run["seed"], "best_epoch": run.get("best_epoch"), "history": run["history"]}
            for run in done
            if run.get("history")
        ],
    }


def _costs(done: list[Run]) -> dict[str, Any]:
    """Return the median of each cost that the runs tell."""
    found = {
        cost: [told for run in done if (told := run.get("cost", {}).get(cost)) is not None]
        for cost in COSTS
    }
    return {cost: median(values) for cost, values in found.items() if values}


def _means(scores: list[dict[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for score in scores for name in score)
    return {name: mean(score[name] for score in scores if name in score) for name in names}
