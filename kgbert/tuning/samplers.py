"""Ways of choosing the next configurations of a search; equal scores give equal choices."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any, Protocol, runtime_checkable

import numpy as np

from kgbert.tuning.space import Options, Range, SearchSpace, Values
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.registry import lookup

#: How often a random configuration is drawn anew if it was tried before.
_ATTEMPTS = 50


@runtime_checkable
class Sampler(Protocol):
    """Chooses configurations, and learns from their scores."""

    def ask(self, count: int) -> list[Options]:
        """Return the next configurations; fewer or none where the space is exhausted."""
        ...

    def tell(self, scores: Sequence[float | None]) -> None:
        """Report the scores of the configurations asked for last, greater is better."""
        ...


class GridSampler:
    """Chooses every combination of the values, in order."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        if ranges := [name for name, values in space.items() if isinstance(values, Range)]:
            raise KGBertError(
                f"a grid needs a list of values, and {ranges[0]} has a range.",
                code="grid-over-range",
                remedies=[Remedy("search", "random"), Remedy("space", purpose="with lists only")],
            )
        lists = [values for values in space.values() if isinstance(values, tuple)]
        self._points: Iterator[Options] = (
            dict(zip(space, point, strict=True)) for point in product(*lists)
        )

    def ask(self, count: int) -> list[Options]:
        """Return the next combinations."""
        return list(islice(self._points, count))

    def tell(self, scores: Sequence[float | None]) -> None:
        """Ignore the scores."""


class RandomSampler:
    """Draws each option independently; no configuration is drawn twice."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space, self.generator = space, np.random.default_rng(seed)
        self._drawn: list[Options] = []

    def ask(self, count: int) -> list[Options]:
        """Return new configurations; fewer where no new one was found."""
        found = [point for _ in range(count) if (point := self._new()) is not None]
        return found

    def tell(self, scores: Sequence[float | None]) -> None:
        """Ignore the scores."""

    def _new(self) -> Options | None:
        for _ in range(_ATTEMPTS):
            point = {name: self._draw(values) for name, values in self.space.items()}
            if point not in self._drawn:
                self._drawn.append(point)
                return point
        return None

    def _draw(self, values: Values) -> Any:
        share = self.generator.random()
        if isinstance(values, Range):
            return values.at(share)
        return values[int(share * len(values))]


class BayesianSampler:
    """Draws values that were better more often (tree-structured Parzen estimator of optuna)."""

    #: Random configurations before the first one that is drawn from a model of the scores.
    START = 8

    def __init__(self, space: SearchSpace, seed: int) -> None:
        optuna = import_optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space = space
        # Configurations that are requested together keep a distance to each other.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=self.START, constant_liar=True
            )
        self._study = optuna.create_study(sampler=sampler, direction="maximize")
        self._distributions = {
            # The place on a range or in a list, so that any value can be a choice.
            name: optuna.distributions.FloatDistribution(0.0, 1.0)
            if isinstance(values, Range)
            else optuna.distributions.CategoricalDistribution(tuple(range(len(values))))
            for name, values in space.items()
        }
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[Options]:
        """Return the next configurations."""
        self._asked = [self._study.ask(self._distributions) for _ in range(count)]
        return [
            {name: self._value(name, place) for name, place in trial.params.items()}
            for trial in self._asked
        ]

    def tell(self, scores: Sequence[float | None]) -> None:
        """Report the scores; a configuration without one counts as failed."""
        states = import_optuna().trial.TrialState
        for trial, score in zip(self._asked, scores, strict=True):
            self._study.tell(trial, score, states.FAIL if score is None else None)

    def _value(self, name: str, place: float | int) -> Any:
        values = self.space[name]
        return values.at(place) if isinstance(values, Range) else values[int(place)]


class GivenFirst:
    """Chooses the settings that were given, without an option of the space, before those drawn.

    A search then never ends with settings that are worse on validation than those it began with.

    >>> sampler = GivenFirst(RandomSampler({"epochs": (5,)}, 0))
    >>> sampler.ask(2), sampler.ask(2)
    ([{}, {'epochs': 5}], [])
    """

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self._rounds = 0

    def ask(self, count: int) -> list[Options]:
        """Return the next configurations, in the first round the given one first."""
        self._rounds += 1
        if self._rounds == 1:
            return [{}, *self.sampler.ask(count - 1)]
        return self.sampler.ask(count)

    def tell(self, scores: Sequence[float | None]) -> None:
        """Report the scores; that of the given settings belongs to no point of the space."""
        self.sampler.tell(scores[1:] if self._rounds == 1 else scores)


def import_optuna() -> Any:
    """Return the package optuna.

    Raises:
        KGBertError: It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise KGBertError(
            "the Bayesian search needs the package optuna, which is not installed; type pip "
            "install 'kgbert[tune]'.",
            code="missing-package",
            remedies=[Remedy("search", "random", "to search without it")],
        ) from error
    return optuna


def default_search() -> str:
    """Return the name of the best search that can run here."""
    try:
        import_optuna()
    except KGBertError:
        return "random"
    return "bayesian"


def sampler_of(search: str, space: SearchSpace) -> Sampler:
    """Return the sampler of a search; a grid consists of the combinations of its values alone.

    Raises:
        KGBertError: There is no such search, or it cannot search this space.
    """
    sampler: Sampler = lookup(SAMPLERS, search, "search")(space, 0)
    return sampler if search == GRID else GivenFirst(sampler)


GRID = "grid"

#: The searches by name.
SAMPLERS: dict[str, Any] = {
    GRID: GridSampler,
    "random": RandomSampler,
    "bayesian": BayesianSampler,
}
