"""Which options matter in a search, and what keeps the requirement from being met."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import stdev
from typing import Any

import numpy as np

from kgbert.tasks.base import Metric
from kgbert.tuning.results import Limit, Requirement, Trial

#: Trials with a score from which on the importance of options is estimated.
FEWEST_TRIALS = 8

#: Share of linked texts below which knowledge reaches too few of them.
FEW_LINKED = 0.5


def importance(trials: Sequence[Trial], *, seed: int = 0) -> dict[str, float]:
    """Return the share of each option in the differences of the scores, the largest first.

    The shares are the impurity decreases of extremely randomised trees (Geurts et al. 2006) that
    predict the first score of each trial that has options. They are empty for fewer than eight
    trials, or if all have the same score.

    Args:
        trials: Trials of one arm.
        seed: Seed of the trees.
    """
    scored = [trial for trial in trials if trial.scores and trial.options]
    names = [name for name in _names(scored) if len({_key(x, name) for x in scored}) > 1]
    scores = [trial.scores[0] for trial in scored]
    if len(scored) < FEWEST_TRIALS or not names or len(set(scores)) == 1:
        return {}
    # Imported here: it takes a second.
    from sklearn.ensemble import ExtraTreesRegressor

    columns = [_column([trial.options.get(name) for trial in scored]) for name in names]
    trees = ExtraTreesRegressor(n_estimators=200, random_state=seed)
    trees.fit(np.array(columns).T, scores)
    shares = zip(names, trees.feature_importances_.tolist(), strict=True)
    return dict(sorted(shares, key=lambda pair: -pair[1]))


def _names(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(name for trial in trials for name in trial.options))


def _key(trial: Trial, name: str) -> str:
    return repr(trial.options.get(name))


def _column(values: Sequence[Any]) -> list[float]:
    """Return values as numbers: their own, or the number of the choice."""
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x in values):
        return [float(x) for x in values]
    choices = sorted({repr(x) for x in values})
    return [float(choices.index(repr(x))) for x in values]


@dataclass(frozen=True)
class Evidence:
    """What is known of the best configuration."""

    scores: Sequence[float]
    """Validation score by seed."""
    test_score: float
    train_score: float
    """On the training texts of the tested model."""
    train_size: int
    validation_size: int
    linked_share: float | None
    """Share of the validation texts with a linked mention; None for an arm without knowledge."""
    linked_scores: Mapping[str, float]
    """Validation score of the texts with and without a mention: ``linked`` and ``unlinked``."""


def limits(requirement: Requirement, metric: Metric, evidence: Evidence) -> tuple[Limit, ...]:
    """Return why a requirement is not met, the most likely reason first; empty if it is met."""
    validation = sum(evidence.scores) / len(evidence.scores)
    missing = requirement.shortfall(min(validation, evidence.test_score, key=_order(metric)))
    if requirement.is_met(validation) and requirement.is_met(evidence.test_score):
        return ()
    return (
        *_noise(missing, metric, evidence),
        *_data_or_fit(requirement, validation, evidence),
        *_linking(evidence),
    )


def _order(metric: Metric) -> Any:
    return (lambda score: score) if metric.greater_is_better else (lambda score: -score)


def _noise(missing: float, metric: Metric, evidence: Evidence) -> Iterator[Limit]:
    """Yield noise if the spread over seeds, or that of so few texts, exceeds what is missing."""
    spread = stdev(evidence.scores) if len(evidence.scores) > 1 else 0.0
    sampling = 0.0
    if metric.scale == 100 and metric.greater_is_better:
        mean = min(max(evidence.test_score, 0.0), 1.0)
        sampling = sqrt(mean * (1 - mean) / evidence.validation_size)
    if missing <= max(spread, 2 * sampling):
        yield Limit(
            "noise",
            f"{missing:.3f} is missing, and scores differ by a standard deviation of {spread:.3f} "
            f"between seeds and of about {sampling:.3f} between samples of "
            f"{evidence.validation_size} texts: more seeds, and more texts to validate and to "
            "test, would tell whether the requirement is met.",
        )


def _data_or_fit(
    requirement: Requirement, validation: float, evidence: Evidence
) -> Iterator[Limit]:
    scores = f"{evidence.train_score:.3f} on the training texts, {validation:.3f} on validation"
    if requirement.is_met(evidence.train_score):
        yield Limit(
            "data",
            f"The model has learnt its {evidence.train_size:,} training texts, but does not "
            f"generalise ({scores}): more labelled texts, or stronger measures against "
            "overfitting.",
        )
    else:
        yield Limit(
            "fit",
            f"The model does not reach the requirement even on its training texts ({scores}): "
            "more epochs, a larger or better pretrained encoder, or labels that agree with each "
            "other.",
        )


def _linking(evidence: Evidence) -> Iterator[Limit]:
    share, scores = evidence.linked_share, evidence.linked_scores
    if share is None or share >= FEW_LINKED:
        return
    pair = [
        f"{scores[name]:.3f} on {name} texts" for name in ("linked", "unlinked") if name in scores
    ]
    detail = f" ({', '.join(pair)})" if pair else ""
    yield Limit(
        "linking",
        f"An entity was linked in {share:.0%} of the validation texts only{detail}: the knowledge "
        "cannot help in the others. kgbert inspect --texts lists what is not linked.",
    )
