"""The search space: which options are searched, among which values, and what they set."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from kgbert.tasks.base import Task
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.utils.errors import KGBertError, MissingFileError, Remedy
from kgbert.utils.registry import lookup

#: The values of a configuration by option.
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """All numbers between two."""

    low: float
    high: float
    log: bool = False
    """Whether values are drawn evenly between the logarithms, for learning rates."""
    whole: bool = False
    """Whether values are whole numbers."""

    def at(self, share: float) -> float | int:
        """Return the value at a share of the way, in three significant digits.

        >>> Range(1e-5, 1e-3, log=True).at(0.5), Range(2.0, 6.0, whole=True).at(0.6)
        (0.0001, 4)
        """
        if self.log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        return round(value) if self.whole else float(f"{value:.3g}")


#: The values of one option: a range, or a tuple of choices.
Values = Range | tuple[Any, ...]

#: By option.
SearchSpace = Mapping[str, Values]


def _training_field(name: str) -> Callable[[TrainingConfig, Any], TrainingConfig]:
    return lambda config, value: config.changed({name: value})


def _model_option(name: str) -> Callable[[TrainingConfig, Any], TrainingConfig]:
    return lambda config, value: replace(config, options={**config.options, name: value})


def _kept(config: TrainingConfig, value: Any) -> TrainingConfig:
    return config


#: Options that choose what a model is trained from; the search replaces it in the study.
LINKER, PRETRAINED = "linker", "pretrained"

#: The searchable options by the name that they have on the command line, and what they set.
OPTIONS: dict[str, Callable[[TrainingConfig, Any], TrainingConfig]] = {
    "learning_rate": _training_field("encoder_learning_rate"),
    **{
        name: _training_field(name)
        for name in (
            "head_learning_rate",
            "epochs",
            "batch_size",
            "patience",
            "max_length",
            "weight_decay",
        )
    },
    **{field.name: _training_field(field.name) for field in fields(Regularization)},
    "pooling": _model_option("pooling"),
    "injected_layers": _model_option("injected_layers"),
    LINKER: _kept,
    PRETRAINED: _kept,
}

#: Options without an effect on a model that reads no entities.
KNOWLEDGE_OPTIONS = ("injected_layers", "entity_dropout", LINKER)

#: Options with whole numbers.
_WHOLE = ("epochs", "batch_size", "patience", "max_length", "frozen_layers")


def default_space(task: Task) -> dict[str, Values]:
    """Return the options that are searched where none are named, for a task."""
    space: dict[str, Values] = {
        "learning_rate": Range(2e-5, 5e-4, log=True),
        "epochs": (5, 10, 20),
        "batch_size": (8, 16, 32),
        "dropout": (0.0, 0.1, 0.3),
        "weight_decay": (0.0, 0.01, 0.1),
        "injected_layers": ((-1,), (-2, -1), (-3, -2, -1)),
        "entity_dropout": (0.0, 0.2),
    }
    if task.is_augmentable:
        space["synonym_replacement"] = (0.0, 0.3)
    if task.learns_classes:
        space["label_smoothing"] = (0.0, 0.1)
    return space


def read_space(source: str | Path | Mapping[str, Any]) -> dict[str, Values]:
    """Return the search space of a TOML or JSON file, or of a mapping.

    Each option has a list of values, or a range with ``low``, ``high`` and optionally ``log``.

    Raises:
        KGBertError: An option is unknown, or has no values that it can take.

    >>> read_space({"epochs": [5, 10], "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}})
    {'epochs': (5, 10), 'learning_rate': Range(low=1e-05, high=0.001, log=True, whole=False)}
    """
    name = "space" if isinstance(source, Mapping) else str(source)
    read = source if isinstance(source, Mapping) else _parsed(Path(source))
    if not isinstance(read, Mapping) or not read:
        raise KGBertError(
            f"{name}: no option is named; write an option with its values, for example "
            "batch_size = [8, 16].",
            code="empty-search-space",
        )
    space = {}
    for option, given in read.items():
        try:
            lookup(OPTIONS, option, "option of the search")
            space[option] = _values(option, given)
        except KGBertError as error:
            raise error.at(name) from None
    return space


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise MissingFileError(
            f"{path}: the file of the search space does not exist.",
            code="missing-search-space",
            remedies=[Remedy("space", purpose="with an existing file")],
        ) from None
    except (ValueError, OSError) as error:
        raise KGBertError(
            f"{path}: neither TOML nor JSON ({error}); write lines such as batch_size = [8, 16].",
            code="invalid-search-space",
        ) from error


def _values(option: str, given: Any) -> Values:
    if isinstance(given, Range):
        values: Values = given
    elif isinstance(given, Mapping):
        values = _range(option, given)
    elif isinstance(given, list | tuple) and given:
        values = tuple(tuple(x) if isinstance(x, list) else x for x in given)
    else:
        raise KGBertError(
            f"{option} is {given!r}; expected a list of values, or low and high.",
            code="invalid-search-values",
        )
    for value in (values.at(0.0), values.at(1.0)) if isinstance(values, Range) else values:
        _check_value(option, value)
    return values


def _range(option: str, given: Mapping[str, Any]) -> Range:
    low, high, log = given.get("low"), given.get("high"), given.get("log", False)
    numbers = [x for x in (low, high) if isinstance(x, int | float) and not isinstance(x, bool)]
    is_ordered = len(numbers) == 2 and numbers[0] < numbers[1] and (numbers[0] > 0 or not log)
    if not is_ordered or given.keys() - {"low", "high", "log"} or not isinstance(log, bool):
        raise KGBertError(
            f"{option} has the range {dict(given)!r}; expected low below high, both numbers, above "
            "0 with log = true.",
            code="invalid-search-values",
        )
    return Range(float(numbers[0]), float(numbers[1]), log, option in _WHOLE)


def _check_value(option: str, value: Any) -> None:
    """Raise KGBertError if a value is none that the option takes."""
    if option in (LINKER, PRETRAINED, "pooling"):
        is_valid = isinstance(value, str) and bool(value)
    elif option == "injected_layers":
        is_valid = isinstance(value, tuple) and all(type(x) is int for x in value)
    elif option.endswith("learning_rate"):
        is_valid = isinstance(value, int | float) and 0 < value < 1
    else:
        is_valid = not isinstance(value, bool)
        configure(TrainingConfig(), {option: value})
    if not is_valid:
        raise KGBertError(
            f"{option} cannot be {value!r}; give values as the option "
            f"--{option.replace('_', '-')} of kgbert train takes them.",
            code="invalid-search-values",
        )


def configure(config: TrainingConfig, options: Options) -> TrainingConfig:
    """Return a training configuration with options set."""
    for option, value in options.items():
        config = OPTIONS[option](config, list(value) if isinstance(value, tuple) else value)
    return config


def typed(options: Options) -> list[str]:
    """Return options as arguments of ``kgbert train``.

    >>> typed({"epochs": 5, "injected_layers": (-2, -1), "dropout": None, "pretrained": "mine"})
    ['--epochs=5', '--injected-layers=-2,-1', '--backbone=mine']
    """
    words = []
    for option, value in options.items():
        if value is None:  # the default
            continue
        name = "backbone" if option == PRETRAINED else option.replace("_", "-")
        shown = ",".join(map(str, value)) or "none" if isinstance(value, tuple | list) else value
        words.append(f"--{name}={shown}")
    return words
