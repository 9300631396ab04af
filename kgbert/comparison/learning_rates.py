"""Choose the learning rate of each arm on validation texts, from the same grid for every arm.

The search uses no test text of its seeds: validation texts replace them. Where each seed draws its
own test texts, some validation texts may be test texts of another seed, equally for all arms.
Trials are stored like runs, so a stopped search resumes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf
from statistics import fmean

from kgbert.comparison.arms.registry import Arm
from kgbert.comparison.results import TuningResult, TuningTrial
from kgbert.comparison.run import check_arms, run_arm
from kgbert.comparison.run_store import attempt_run, shared_runs
from kgbert.comparison.study import Study
from kgbert.data.splits import Split
from kgbert.linking.caching import CachingLinker


@dataclass(frozen=True)
class TrialProgress:
    """The progress that is reported after each trial."""

    done: int
    total: int
    arm: str
    rate: float
    seed: int
    score: float | None
    """On the validation texts; None if the trial failed."""

    def __str__(self) -> str:
        outcome = "failed" if self.score is None else f"{self.score:.3f} on validation"
        trial = f"{self.arm}, rate {self.rate:g}, seed {self.seed}"
        return f"[search {self.done}/{self.total}] {trial}: {outcome}"


@dataclass(frozen=True)
class ValidationOnly:
    """Replaces a seed's test texts by its validation texts."""

    split: Callable[[int], Split]

    def __call__(self, seed: int) -> Split:
        """Return the texts of a seed."""
        drawn = self.split(seed)
        return Split(drawn.train, drawn.validation, drawn.validation)


def tuned(
    study: Study,
    rates: Sequence[float],
    *,
    seeds: int = 2,
    progress: Callable[[TrialProgress], None] = lambda step: None,
) -> Study:
    """Return the study with each arm's learning rate chosen from a grid, and the search recorded.

    Each arm is trained with each rate on the first seeds; the rate with the best mean validation
    score is the arm's rate on all seeds. A linear model has no learning rate.

    Args:
        study: Its training configurations define everything but the encoder's learning rate.
        rates: The encoder's learning rates to try, the same for every arm.
        seeds: Number of the study's seeds in the search.
        progress: Called after each trial.

    Raises:
        KGBertError: An arm cannot run on the study; no trial was run.
    """
    check_arms(study)
    searched = list(study.seeds)[:seeds]
    search = replace(
        study,
        folder=study.folder / "tuning",
        arms=[arm for arm in study.arms if arm.learner == "encoder"],
        split=cache(ValidationOnly(study.split)),
        linker=CachingLinker(study.linker),
        tuning=None,
    )
    metric = search.task.metric
    trials = _run_trials(search, rates, searched, progress)
    is_better = study.task.metrics[metric].greater_is_better
    chosen = {
        arm.name: _best_rate(arm.name, trials, greater_is_better=is_better) for arm in search.arms
    }
    return replace(
        study,
        training_configs={
            **study.training_configs,
            **{
                arm.name: replace(
                    study.training_config(arm), encoder_learning_rate=chosen[arm.name]
                )
                for arm in search.arms
            },
        },
        tuning=TuningResult(metric, tuple(rates), tuple(searched), tuple(trials), chosen),
    )


def _run_trials(
    search: Study,
    rates: Sequence[float],
    seeds: Sequence[int],
    progress: Callable[[TrialProgress], None],
) -> list[TuningTrial]:
    """Return the validation scores of every arm with every rate, by arm, then by rate."""
    metric = search.task.metric
    pairs = [(arm, rate) for arm in search.arms for rate in rates]
    plan = [(_trial(search, *pair), pair[0], seed) for pair in pairs for seed in seeds]
    scores: dict[tuple[str, float, int], float | None] = {}
    for (trial, arm, seed), run in shared_runs(plan, partial(attempt_run, train=run_arm)):
        rate = trial.training_config(arm).encoder_learning_rate
        assert rate is not None  # each trial sets it
        score = run.validation.get(metric)
        scores[arm.name, rate, seed] = score
        progress(TrialProgress(len(scores), len(plan), arm.name, rate, seed, score))
    return [
        TuningTrial(arm.name, rate, tuple(scores[arm.name, rate, seed] for seed in seeds))
        for arm, rate in pairs
    ]


def _trial(search: Study, arm: Arm, rate: float) -> Study:
    training_config = replace(search.training_config(arm), encoder_learning_rate=rate)
    return replace(search, training_configs={arm.name: training_config})


def _best_rate(arm: str, trials: Sequence[TuningTrial], *, greater_is_better: bool) -> float:
    """Return the rate with the best mean score; the lowest wins a tie; failed trials rank last."""
    own = [trial for trial in trials if trial.arm == arm]
    worst, sign = (0.0, 1) if greater_is_better else (inf, -1)

    def rank(trial: TuningTrial) -> tuple[float, float]:
        scores = (worst if score is None else score for score in trial.validation)
        return sign * fmean(scores), -trial.rate

    return max(own, key=rank).rate
