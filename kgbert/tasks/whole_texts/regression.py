"""Regression: a number for each text, or for each pair of texts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.data.fields import pair_example
from kgbert.tasks.base import (
    EncodedExample,
    ExplainedAnswer,
    LabelSpace,
    Metric,
    Prediction,
    Task,
)
from kgbert.tasks.checks import check_targets
from kgbert.tasks.pairs import check_pairs, pair_settings
from kgbert.tasks.whole_texts.labels import answer_position
from kgbert.utils.errors import DataError, KGBertError, Remedy

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig

    from kgbert.encoding.encoded import Batch
    from kgbert.encoding.processor import KGBertProcessor
    from kgbert.graph.core.graph import KnowledgeGraph
    from kgbert.models.base import KGBertPreTrainedModel

#: An answer counts as right, in tests over texts, if it is nearer than this many standard
#: deviations of the gold values; no metric depends on it.
TOLERANCE = 0.5


@dataclass(frozen=True)
class ValuePrediction(Prediction):
    """A number in the user's unit."""

    value: float

    @property
    def answer(self) -> float:
        """The number."""
        return self.value

    def lines(self) -> Iterator[str]:
        """Yield the number."""
        yield f"value {self.value:.4g}"


def pearson(gold: Sequence[float], predicted: Sequence[float]) -> float:
    """Return the linear correlation; 0 where it is undefined because all values are equal.

    >>> round(pearson([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]), 6)
    1.0
    """
    if len(gold) < 2 or np.std(gold) == 0 or np.std(predicted) == 0:
        return 0.0
    return float(np.corrcoef(gold, predicted)[0, 1])


def spearman(gold: Sequence[float], predicted: Sequence[float]) -> float:
    """Return the correlation of the ranks; equal values share the mean of their ranks."""
    from scipy.stats import rankdata

    return pearson(rankdata(gold).tolist(), rankdata(predicted).tolist())


def rmse(gold: Sequence[float], predicted: Sequence[float]) -> float:
    """Return the root of the mean squared error."""
    return math.sqrt(np.mean(np.subtract(gold, predicted) ** 2))


def mae(gold: Sequence[float], predicted: Sequence[float]) -> float:
    """Return the mean absolute error."""
    return float(np.mean(np.abs(np.subtract(gold, predicted))))


_UNIT = "units of the value"


class Regression(Task):
    """The target of an example is its number.

    The model learns numbers of mean 0 and standard deviation 1; answers are in the user's unit.
    """

    name = "regression"
    pipeline_tag = "text-classification"
    description = "columns text and value, for pairs also text_pair: one number"
    needs_calibration = True
    suits_linear_model = True
    score_unit = _UNIT
    metrics: Mapping[str, Metric] = MappingProxyType(  # type: ignore[misc]  # a ClassVar as in Task
        {
            "pearson": Metric(pearson),
            "spearman": Metric(spearman),
            "rmse": Metric(rmse, greater_is_better=False, unit=_UNIT, scale=1.0),
            "mae": Metric(mae, greater_is_better=False, unit=_UNIT, scale=1.0),
        }
    )

    @property
    def model_class(self) -> "type[KGBertPreTrainedModel]":
        """A sequence classifier with one output."""
        from kgbert.models.task_models import KGBertForSequenceClassification

        return KGBertForSequenceClassification

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return text and value of a row."""
        example = pair_example({name: x for name, x in record.items() if name != "label"})
        return replace(example, target=value_field(record))

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row has a text and a value, and no label."""
        return "text" in record and "value" in record and "label" not in record

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError where a value is missing, or all training values are equal."""
        parts = {"train": train, "validation": validation, "test": test}
        check_pairs(parts)
        check_targets(parts, "no value; fill it in, or leave the text out.", code="missing-value")
        if len({example.target for example in train}) < 2:
            raise DataError(
                f"train: all {len(train):,} texts have the same value, so there is nothing to "
                "learn; add texts with other values.",
                code="single-value",
            )

    def label_space(self, train: Sequence[Example]) -> LabelSpace:
        """Return one output, and mean and standard deviation of the training values."""
        values = [example.target for example in train if example.target is not None]
        mean, deviation = (float(np.mean(values)), float(np.std(values))) if values else (0.0, 0.0)
        return LabelSpace(
            ("value",),
            head={"problem_type": "regression"},
            settings={"mean": mean, "deviation": deviation or 1.0, **pair_settings(train)},
        )

    def targets(self, encoded: EncodedExample, config: "PreTrainedConfig") -> list[float]:
        """Return the value, standardised by mean and standard deviation of the training values."""
        settings = config.task_settings
        return [(encoded.example.target - settings["mean"]) / settings["deviation"]]

    def collate_targets(
        self, targets: Sequence[Any], batch: "Batch", processor: "KGBertProcessor"
    ) -> "dict[str, Tensor]":
        """Return the targets as floats."""
        import torch

        return {"labels": torch.tensor(targets, dtype=torch.float32)}

    def decode(
        self,
        outputs: Sequence[Any],
        encoded: EncodedExample,
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> ValuePrediction:
        """Return the number in the user's unit."""
        settings = config.task_settings
        value = float(np.ravel(outputs[0])[0]) * settings["deviation"] + settings["mean"]
        return ValuePrediction(encoded.example.joined, value)

    def calibrate(
        self,
        outputs: Sequence[Sequence[Any]],
        encoded: Sequence[EncodedExample],
        config: "PreTrainedConfig",
        graph: "KnowledgeGraph",
    ) -> None:
        """Fit the line from outputs to values on the validation examples by least squares.

        The weights are kept that order the texts best, whatever the spread of their outputs.
        """
        raw = np.array([np.ravel(rows[0])[0] for rows in outputs], np.float64)
        values = np.array([each.example.target for each in encoded], np.float64)
        if raw.std() == 0 or (slope := np.cov(raw, values, bias=True)[0, 1] / raw.var()) <= 0:
            return
        line = {"mean": float(values.mean() - slope * raw.mean()), "deviation": float(slope)}
        config.task_settings = {**config.task_settings, **line}

    def gold(self, encoded: EncodedExample, graph: "KnowledgeGraph") -> float:
        """Return the value."""
        return float(encoded.example.target)

    def is_correct(self, gold: float, predicted: float) -> bool:
        """Return whether the answer is nearer to the value than to any other half unit."""
        return abs(gold - predicted) < TOLERANCE

    def answers(self, prediction: ValuePrediction, config: "PreTrainedConfig") -> list[str]:
        """Return the name of the only output."""
        return labels_of(config)

    def answer_scores(
        self,
        outputs: "Sequence[Tensor]",
        answer: ExplainedAnswer,
        encoded: EncodedExample,
        config: "PreTrainedConfig",
    ) -> "Tensor":
        """Return the number in the user's unit.

        Raises:
            KGBertError: A number is compared with another answer.
        """
        answer_position(answer.name, labels_of(config))
        if answer.contrast:
            raise KGBertError(
                "a regression model has one answer, the number, so that there is no contrast; "
                "leave it out.",
                code="no-contrast",
            )
        settings = config.task_settings
        values: Tensor = outputs[0].flatten(1)[:, 0] * settings["deviation"] + settings["mean"]
        return values

    def score_scale(self, config: "PreTrainedConfig") -> float:
        """Return the standard deviation of the training values."""
        return float(config.task_settings["deviation"])

    def quote(self, answer: float) -> str:
        """Return the number in a few digits."""
        return f"{answer:.3g}"


def value_field(record: Mapping[str, Any], name: str = "value") -> float | None:
    """Return the number of a record; None where it is absent or empty.

    Raises:
        DataError: It is no finite number.

    >>> value_field({"value": "0.25"}), value_field({"text": "unlabelled"})
    (0.25, None)
    """
    value = record.get(name)
    if value is None or value == "":
        return None
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number):
        raise DataError(
            f"'value' is {value!r}, which is not a number; write for example 0.25, or leave the "
            "text out.",
            code="value-not-a-number",
            remedies=[Remedy("columns", {"value": "COLUMN"}, "if the numbers are elsewhere")],
        )
    return number
