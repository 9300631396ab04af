"""Remarks that qualify a verdict, and warnings about unequal conditions of the arms."""

from collections.abc import Sequence
from statistics import mean, median

from kgbert.comparison.arms.sources import PREFIX
from kgbert.comparison.results import PairedDifference, RunRecord, SliceResult
from kgbert.comparison.statistics.pairing import PairedRuns, missing_runs
from kgbert.comparison.statistics.power import ALPHA, seeds_needed
from kgbert.comparison.statistics.sign_flip import PairedSummary, holm
from kgbert.reporting.formatting import (
    arm_name,
    interval,
    listing,
    p_value,
    points,
    quantity,
)
from kgbert.reporting.svg import Number

#: Maximum number of incomplete seeds that are described one by one; further ones are counted.
MOST_DESCRIBED = 3


def remarks(
    runs: PairedRuns, comparisons: Sequence[PairedDifference], slices: Sequence[SliceResult]
) -> list[str]:
    """Return a sentence for each result that qualifies the verdict."""
    return [
        *_unseen_names(runs, slices),
        *_learning_curve(runs, comparisons),
        *_incomplete_seeds(runs),
        *_unfinished_rivals(runs),
        *_sources(runs, comparisons),
        *runs.study.budget,
    ]


def _unseen_names(runs: PairedRuns, slices: Sequence[SliceResult]) -> list[str]:
    """Compare the difference on unseen names or mentions with that on seen ones."""
    by_name = {one.name: one for one in slices}
    for what in ("names", "mentions"):
        new, known = (by_name.get(f"{what} {kind} in training") for kind in ("unseen", "seen"))
        if new and new.summary.interval:
            seen = f", where they are seen {_difference(known.summary)}" if known else ""
            return [
                f"Where {what} are unseen in training, the difference to "
                f"{runs.study.baseline} is {_difference(new.summary)} points{seen}."
            ]
    return []


def _learning_curve(runs: PairedRuns, comparisons: Sequence[PairedDifference]) -> list[str]:
    """Compare the difference at the smallest training set with that at the largest."""
    study = runs.study
    if not study.learning_curve:
        return []
    fewest = study.learning_curve[0]
    few, many = fewest.differences[study.baseline], comparisons[0].summary
    if not (few and many):
        return []
    return [
        f"With {fewest.size:,} training texts the difference to {study.baseline} is "
        f"{_difference(few)} points, with {study.manifest.train_size:,} {_difference(many)}."
    ]


def _difference(summary: PairedSummary) -> str:
    return f"{points(summary.mean)} {interval(summary.interval)}".strip()


def _incomplete_seeds(runs: PairedRuns) -> list[str]:
    seeds = runs.study.seeds
    incomplete = [_missing_in(runs, seed) for seed in seeds if seed not in runs.complete]
    if not incomplete:
        return []
    more = len(incomplete) - MOST_DESCRIBED
    rest = [f"{more} more"] if more > 0 else []
    return [
        f"Incomplete and not counted: {len(incomplete)} of {len(seeds)} seeds, "
        f"{listing(incomplete[:MOST_DESCRIBED] + rest)}. Run the same command again to complete "
        "them."
    ]


def _missing_in(runs: PairedRuns, seed: int) -> str:
    """Return what an incomplete seed lacks: ``seed 3 (knowledge failed, plain not run)``."""
    arms: dict[str, list[str]] = {}
    for run in missing_runs(runs, runs.study.judged_arms):
        if run.seed == seed:
            arms.setdefault(run.reason, []).append(run.arm)
    reasons = (f"{listing(names)} {reason}" for reason, names in arms.items())
    return f"seed {seed} ({', '.join(reasons)})"


def _unfinished_rivals(runs: PairedRuns) -> list[str]:
    study = runs.study
    return [
        f"The arm {arm!r} finished {len(runs.of(arm))} of {len(study.seeds)} seeds; its "
        "comparisons use these."
        for arm in study.arms
        if arm not in study.judged_arms and len(runs.of(arm)) < len(study.seeds)
    ]


def _sources(runs: PairedRuns, comparisons: Sequence[PairedDifference]) -> list[str]:
    """Say of each source of a merged graph whether the score falls without it."""
    main = runs.study.main
    found = [
        (pair.second.removeprefix(PREFIX), pair.summary)
        for pair in comparisons
        if pair.first == main and pair.second.startswith(PREFIX) and pair.summary
    ]
    if not found:
        return []
    fewest = min(summary.count for _, summary in found)
    if fewest < (needed := seeds_needed(len(found))):
        return [
            f"{fewest} seeds are too few to judge {len(found)} sources (Holm); that takes "
            f"{needed}: run the same command with --seeds {needed}."
        ]
    corrected = holm([summary.p for _, summary in found])
    return [
        f"The source {source} {_effect(summary.mean, p)}: with it, {arm_name(main)} gains "
        f"{_difference(summary)} points, p = {p_value(p)} (Holm, {len(found)} sources)."
        for (source, summary), p in zip(found, corrected, strict=True)
    ]


def _effect(difference: float, p: float) -> str:
    if p >= ALPHA:
        return "shows no significant effect"
    return "helps" if difference > 0 else "hurts"


def _negated(limits: Sequence[float] | None) -> str:
    return interval([-limit for limit in reversed(limits)] if limits else None)


#: A baseline that stopped in its last epoch in more than this share of runs was undertrained.
CUT_OFF_SHARE = 0.5
#: A training whose loss stays above the first share of its start did not converge, if the loss of
#: half of the other seeds falls below the second.
STUCK_SHARE, LEARNT_SHARE = 0.6, 0.3
#: Arms whose sizes differ by more than this share are reported.
SIZE_SHARE = 0.01


def fairness_warnings(runs: PairedRuns) -> list[str]:
    """Return a sentence for each sign of unequal conditions between the arms."""
    return [
        *_majority_class(runs),
        *_not_converged(runs),
        *_still_improving(runs),
        *_edge_of_the_grid(runs),
        *_control_size(runs),
        *_larger_rivals(runs),
    ]


def _majority_class(runs: PairedRuns) -> list[str]:
    """Warn where every run of every arm predicts a single class for all test texts."""
    answers = [run.items.answers if run.items else () for run in runs.done.values()]
    if not answers or any(len(run) < 2 or len(set(run)) > 1 for run in answers):
        return []
    return [
        "Every arm predicts one class for all test texts, so nothing was learnt and the scores are "
        "those of a constant classifier. Check the tokenizer and the texts, train for more epochs, "
        "or try another learning rate."
    ]


def _not_converged(runs: PairedRuns) -> list[str]:
    """Name the runs whose training loss stayed high, unlike that of the other seeds of the arm."""
    stuck = []
    for arm in runs.study.judged_arms:
        shares = {run.seed: share for run in runs.of(arm) if (share := _loss_left(run)) is not None}
        if len(shares) > 2 and median(shares.values()) < LEARNT_SHARE:
            stuck += [f"{arm!r} on seed {x}" for x in shares if shares[x] > STUCK_SHARE]
    if not stuck:
        return []
    return [
        f"Training did not converge, unlike on the other seeds: {listing(stuck)}. These runs "
        "count, and may decide the comparison. A lower learning rate makes training steadier: "
        "search one for all arms (--learning-rates 5e-5,1e-4,2e-4)."
    ]


def _loss_left(run: RunRecord) -> float | None:
    """Return the lowest training loss of an epoch as a share of the first one."""
    losses = [epoch.train_loss for epoch in run.history if epoch.train_loss is not None]
    return min(losses) / losses[0] if len(losses) > 1 and losses[0] > 0 else None


def _still_improving(runs: PairedRuns) -> list[str]:
    """Name the arms whose validation score was mostly the best in the last permitted epoch."""
    cut_off_arms = []
    for arm in runs.study.judged_arms:
        cut_off = [_is_last_the_best(run) for run in runs.of(arm) if run.history]
        if cut_off and mean(cut_off) > CUT_OFF_SHARE:
            cut_off_arms.append(f"{arm!r} in {sum(cut_off)} of {len(cut_off)} runs")
    if not cut_off_arms:
        return []
    return [
        f"Training stopped while validation still improved (the last epoch was the best): "
        f"{listing(cut_off_arms)}. More epochs may change the comparison."
    ]


def _is_last_the_best(run: RunRecord) -> bool:
    """Return whether the last permitted epoch is better than all others."""
    assert run.training_config is not None
    *before, last = (epoch.validation for epoch in run.history)
    is_whole = len(run.history) >= run.training_config.epochs
    return is_whole and bool(before) and last > max(before)


def _edge_of_the_grid(runs: PairedRuns) -> list[str]:
    """Name the arms whose best learning rate may lie outside the grid."""
    tuning = runs.study.tuning
    if tuning is None or len(tuning.rates) < 2:
        return []
    sentences = []
    for edge, rate in {"lowest": min(tuning.rates), "highest": max(tuning.rates)}.items():
        arms = [repr(arm) for arm in runs.study.judged_arms if tuning.chosen.get(arm) == rate]
        if arms:
            sentences.append(
                f"The {edge} learning rate of the grid, {rate:g}, is the best for {listing(arms)}: "
                f"a rate outside the grid may be better and change the comparison. Search a wider "
                f"grid."
            )
    return sentences


def _control_size(runs: PairedRuns) -> list[str]:
    """Warn if main arm and control differ in size; the baseline is smaller by design."""
    main, _, *control = runs.study.judged_arms
    sizes = _sizes(runs, [main, *control])
    if len(sizes) < 2 or max(sizes.values()) <= (1 + SIZE_SHARE) * min(sizes.values()):
        return []
    described = " and ".join(f"{arm!r} {quantity(size)}" for arm, size in sizes.items())
    return [
        f"Main arm and control differ in size ({described} parameters), so size may explain a gain."
    ]


def _larger_rivals(runs: PairedRuns) -> list[str]:
    """Warn about further arms that have more parameters than the main arm."""
    main, *judged = runs.study.judged_arms
    sizes = _sizes(runs, [arm for arm in runs.study.arms if arm not in judged])
    if main not in sizes:
        return []
    larger = [
        f"{arm!r} by {100 * (size / sizes[main] - 1):.0f} %"
        for arm, size in sizes.items()
        if size > (1 + SIZE_SHARE) * sizes[main]
    ]
    if not larger:
        return []
    return [f"Arms larger than {main!r}: {listing(larger)}, so size may explain their gain."]


def _sizes(runs: PairedRuns, arms: Sequence[str]) -> dict[str, Number]:
    """Return the number of parameters of each arm that has a finished run."""
    sizes: dict[str, Number] = {}
    for arm in arms:
        if counts := [run.cost.parameters for run in runs.of(arm) if run.cost.parameters]:
            sizes[arm] = median(counts)
    return sizes
