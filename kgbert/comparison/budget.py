"""Plan a comparison for a time budget: which arms and seeds fit, and what is left out."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean

from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.arms.verdict_arms import BASELINE, CONTROL, MAIN
from kgbert.comparison.results import ComparisonResult
from kgbert.comparison.run_store import finished_run, run_path
from kgbert.comparison.statistics.power import seeds_needed
from kgbert.comparison.study import Study
from kgbert.linking.caching import CachingLinker
from kgbert.reporting.formatting import duration, listing
from kgbert.reporting.svg import Number
from kgbert.utils.errors import KGBertError

#: Reason for leaving out an arm without a timing run: even the cheapest arm's cost would not fit.
UNTIMED = "not timed"


def check_budget(
    budget: Number | None,
    learning_rates: Sequence[float],
    train_sizes: Sequence[int | None],
    pretrained: Sequence[str | Path] = (),
) -> None:
    """Raise KGBertError if a comparison with a budget is more than one of built-in arms."""
    if budget and (learning_rates or tuple(train_sizes) != (None,) or pretrained):
        raise KGBertError(
            "a budget plans one comparison of arms with the same encoder; what a search for "
            "learning rates, other numbers of training texts or pretrained encoders add to it "
            "cannot be estimated. Leave either out.",
            code="conflicting-options",
        )


def within_budget(
    study: Study, seconds: Number, compare: Callable[[Study], ComparisonResult]
) -> Study:
    """Return the study with the arms and seeds that fit into a time, and the plan recorded.

    The arms of the verdict come first: plain, knowledge and shuffled with six seeds. Then follow
    the other arms in their order, each with the same seeds, and then more seeds for all arms.

    The cost of an arm is the mean time of its runs in the folder. An arm without runs is run with
    the first seed; this time counts as spent, and the run is reused. Finished runs cost nothing.

    Args:
        study: The requested study.
        seconds: Time limit of all runs together; it excludes reading, linking and encoding.
        compare: Compares one study, as :func:`kgbert.run_study` does; used for the timing runs.

    Raises:
        KGBertError: The timing run of an arm of the verdict failed.
    """
    study = replace(study, split=cache(study.split), linker=CachingLinker(study.linker))
    budget = _Budget(study, seconds, compare)
    judged = [arm for arm in study.arms if arm.name in (BASELINE, MAIN, CONTROL)]
    _time_judged(budget, judged)
    plan = _planned(budget, judged)
    sentences = list(_plan_sentences(study, plan, seconds, budget.cost(plan.arms, plan.seeds)))
    fits = not plan.missing_seconds or len(study.seeds) < seeds_needed()
    seed_hint = study.seed_hint if fits else _seed_hint(study, plan.missing_seconds)
    return replace(study, arms=plan.arms, seeds=plan.seeds, budget=sentences, seed_hint=seed_hint)


@dataclass(frozen=True)
class _Plan:
    """The arms and seeds that fit into the budget."""

    arms: Sequence[Arm]
    seeds: Sequence[int]
    left_out: Mapping[str, str]
    """Arms that do not fit, and why."""
    missing_seconds: float
    """Seconds that the seeds of a verdict would take, where they do not fit; else zero."""


class _Budget:
    """The time left for a study, and the cost of its arms."""

    def __init__(
        self, study: Study, seconds: Number, compare: Callable[[Study], ComparisonResult]
    ) -> None:
        self.study, self.left, self.compare = study, float(seconds), compare

    def seconds(self, arm: Arm) -> float | None:
        """Return the mean time of an arm's runs; None where no run is finished."""
        runs = [finished_run(self.study, arm, seed) for seed in self.study.seeds]
        done = [run.seconds for run in runs if run]
        return fmean(done) if done else None

    def time(self, arms: Sequence[Arm]) -> None:
        """Run the missing runs of the first seed."""
        first = self.study.seeds[0]
        new = [arm for arm in arms if finished_run(self.study, arm, first) is None]
        self.compare(replace(self.study, arms=arms, seeds=[first]))
        runs = [finished_run(self.study, arm, first) for arm in new]
        self.left -= sum(run.seconds for run in runs if run)

    def cost(self, arms: Sequence[Arm], seeds: Sequence[int]) -> float:
        """Return the expected time of the unfinished runs."""
        missing = (
            self.seconds(arm) or 0.0
            for arm in arms
            for seed in seeds
            if finished_run(self.study, arm, seed) is None
        )
        return sum(missing, start=0.0)

    def fitting(self, arms: Sequence[Arm], seeds: Sequence[int]) -> int:
        """Return how many of the seeds fit, from the first on."""
        count = 0
        while count < len(seeds) and self.cost(arms, seeds[: count + 1]) <= self.left:
            count += 1
        return count

    def refusal(self, arm: Arm, kept: Sequence[Arm], seeds: Sequence[int]) -> str:
        """Return why an arm does not fit in addition to others; empty if it does."""
        if self.seconds(arm) is None:
            cheapest = min(filter(None, map(self.seconds, kept)))
            if self.cost(kept, seeds) + cheapest * len(seeds) > self.left:
                return UNTIMED
            self.time([*kept, arm])
        if self.seconds(arm) is None:
            return "its first run failed"
        fits = self.cost([*kept, arm], seeds) <= self.left
        return "" if fits else f"about {duration(self.cost([arm], seeds))} more"


def _time_judged(budget: _Budget, judged: Sequence[Arm]) -> None:
    if any(budget.seconds(arm) is None for arm in judged):
        budget.time(judged)
    for arm in judged:
        if budget.seconds(arm) is None:
            path = run_path(budget.study, arm, budget.study.seeds[0])
            raise KGBertError(
                f"the run that was to time the arm {arm.name!r} failed; its error is in {path}. "
                "Resolve that, and run the same command again.",
                code="timing-run-failed",
            )


def _planned(budget: _Budget, judged: Sequence[Arm]) -> _Plan:
    seeds = list(budget.study.seeds)
    aim = seeds[: seeds_needed()]
    others = [arm for arm in budget.study.arms if arm not in judged]
    fitting = budget.fitting(judged, aim)
    if fitting < len(aim):
        left_out = {arm.name: UNTIMED for arm in others}
        return _Plan(judged, aim[: max(1, fitting)], left_out, budget.cost(judged, aim))
    kept, left_out = list(judged), {}
    for arm in others:
        if reason := budget.refusal(arm, kept, aim):
            left_out[arm.name] = reason
        else:
            kept.append(arm)
    fitting_seeds = seeds[: max(len(aim), budget.fitting(kept, seeds))]
    return _Plan([arm for arm in budget.study.arms if arm in kept], fitting_seeds, left_out, 0.0)


def _plan_sentences(study: Study, plan: _Plan, seconds: Number, cost: Number) -> Iterator[str]:
    estimate = f", estimated at {duration(cost)}" if cost else ", finished before"
    yield (
        f"Planned for {duration(seconds)}: {listing([arm.name for arm in plan.arms])} with "
        f"{len(plan.seeds)} of {len(study.seeds)} seeds{estimate}."
    )
    if plan.left_out:
        names = [f"{name} ({reason})" for name, reason in plan.left_out.items()]
        yield f"Left out, as they do not fit: {listing(names)}."
    if left := len(study.seeds) - len(plan.seeds):
        yield f"Also left out: {left} of the {len(study.seeds)} seeds."
    if len(plan.seeds) < seeds_needed():
        yield f"Too few seeds for a verdict, which takes {seeds_needed()}."


def _seed_hint(study: Study, seconds: float) -> str:
    """Return the budget that leaves time for the seeds of a verdict."""
    minutes = math.ceil(seconds / 60)
    again = (
        f"run the same command with --budget {minutes}m"
        if study.command
        else f"compare again with budget={60 * minutes}"
    )
    return f"What is missing takes about {duration(seconds)}: {again}."
