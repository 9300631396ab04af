"""The records of a search: the requirement, the trials, and what was found."""

import json
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from kgbert.comparison.results import DONE
from kgbert.tasks.base import Task
from kgbert.training.config import TrainingConfig
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.json_records import from_json, to_json
from kgbert.utils.registry import lookup

#: Incremented whenever files of an older version can no longer be read.
SCHEMA_VERSION = 1

#: The status of a trial that was stopped early because others were better.
PRUNED = "pruned"

_COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Requirement:
    """A score that a model has to reach.

    >>> Requirement.parse("accuracy>=0.85").is_met(0.9)
    True
    """

    metric: str
    comparison: str
    value: float

    @classmethod
    def parse(cls, typed: str) -> "Requirement":
        """Return the requirement that is written as ``accuracy>=0.85``.

        Raises:
            KGBertError: It is written otherwise.
        """
        match = re.fullmatch(r"\s*([\w-]+)\s*(>=|<=|>|<)\s*([-+\d.eE]+)\s*", typed)
        try:
            value = float(match[3]) if match else None
        except ValueError:
            value = None
        if match is None or value is None:
            raise KGBertError(
                f"the requirement {typed!r} is not a metric, >= or <=, and a number.",
                code="invalid-requirement",
                remedies=[Remedy("until", "accuracy>=0.85")],
            )
        return cls(match[1].replace("-", "_"), match[2], value)

    def check(self, task: Task) -> None:
        """Raise KGBertError if a task cannot be judged by the requirement."""
        metric = lookup(task.metrics, self.metric, f"metric of {task.name}")
        asks_for_more = self.comparison.startswith(">")
        if asks_for_more != metric.greater_is_better:
            better = "greater" if metric.greater_is_better else "smaller"
            right = ">=" if metric.greater_is_better else "<="
            raise KGBertError(
                f"{self} asks for the wrong direction: a {better} {self.metric} is better.",
                code="wrong-direction",
                remedies=[Remedy("until", f"{self.metric}{right}{self.value:g}")],
            )
        is_share = metric.scale == 100 and metric.greater_is_better
        if is_share and not 0 <= self.value <= 1:
            raise KGBertError(
                f"{self} can never be met: {self.metric} lies between 0 and 1.",
                code="requirement-out-of-range",
                remedies=[Remedy("until", f"{self.metric}{self.comparison}0.85", "for 85 %")],
            )

    def is_met(self, score: float) -> bool:
        """Return whether a score meets the requirement."""
        return bool(_COMPARISONS[self.comparison](score, self.value))

    def shortfall(self, score: float) -> float:
        """Return by how much a score misses the requirement; negative if it is exceeded."""
        return self.value - score if self.comparison.startswith(">") else score - self.value

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison} {self.value:g}"


@dataclass(frozen=True)
class Trial:
    """One configuration of one arm, and its scores on the validation texts."""

    number: int
    """Counts the trials of an arm from 1."""
    arm: str
    options: Mapping[str, Any]
    """The values of the searched options."""
    status: str
    """``done``, ``pruned`` or ``failed``."""
    scores: tuple[float, ...]
    """Validation score by seed; a pruned trial has fewer."""
    seconds: float
    error: str = ""
    """The last line of the error of a failed trial."""

    @property
    def is_done(self) -> bool:
        """Whether the trial finished with all seeds."""
        return self.status == DONE

    @property
    def score(self) -> float | None:
        """Mean validation score; None without a finished seed."""
        return fmean(self.scores) if self.scores else None


@dataclass(frozen=True)
class Limit:
    """A reason why the requirement is not met."""

    cause: str
    """``data``, ``fit``, ``linking`` or ``noise``."""
    evidence: str
    """One sentence with numbers."""


@dataclass(frozen=True)
class TuneResult:
    """A finished search: the trials, the best configuration, and its test."""

    task: str
    metric: str
    requirement: Requirement | None
    search: str
    """``grid``, ``random`` or ``bayesian``."""
    trials: tuple[Trial, ...]
    best: Trial
    config: TrainingConfig
    """The training configuration of the best trial."""
    importance: Mapping[str, float]
    """Share of each option in the differences of the scores; empty with too few trials."""
    test_metrics: Mapping[str, float]
    """Scores on the test texts of the best configuration alone, trained with the first seed."""
    test_uses: int
    """How many configurations searches in this folder have tested so far."""
    train_score: float
    """Score of the tested model on its training texts."""
    limits: tuple[Limit, ...] = ()
    """Why the requirement is not met, the most likely reason first."""
    command: str = ""
    """The command line that trains the best configuration."""
    stopped: str = ""
    """Why the search ended."""
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def validation_score(self) -> float:
        """Mean validation score of the best configuration."""
        return fmean(self.best.scores)

    @property
    def test_score(self) -> float:
        """Test score in the metric of the search."""
        return self.test_metrics[self.metric]

    @property
    def is_met_on_validation(self) -> bool | None:
        """Whether the requirement is met on the validation texts; None without one."""
        return self.requirement.is_met(self.validation_score) if self.requirement else None

    @property
    def is_met(self) -> bool | None:
        """Whether the requirement is met on validation and test texts; None without one."""
        if self.requirement is None:
            return None
        return bool(self.is_met_on_validation) and self.requirement.is_met(self.test_score)

    def table(self) -> str:
        """Return trials, importance and outcome as text for a terminal."""
        from kgbert.tuning.table import render

        return render(self)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        plain: dict[str, Any] = to_json(self)
        return plain

    @classmethod
    def load(cls, path: str | Path) -> "TuneResult":
        """Return the result in a ``results.json`` of a search.

        Raises:
            KGBertError: The file has another schema version, or contains no result.
        """
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        version = value.get("schema_version") if isinstance(value, dict) else None
        if version != SCHEMA_VERSION:
            raise KGBertError(
                f"{path} is no result of a search of schema version {SCHEMA_VERSION}; search "
                "again.",
                code="schema-version",
            )
        return from_json(cls, value, source=str(path))
