"""Train a linear model over TF-IDF instead of an encoder, as the floor of a comparison."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedConfig

from kgbert.baselines.tfidf import TfidfModel, TfidfVectors
from kgbert.data import Example
from kgbert.data.class_names import labels_of
from kgbert.data.splits import Split
from kgbert.encoding.processor import KGBertProcessor
from kgbert.tasks.base import EncodedExample, Prediction, Task
from kgbert.training.inference import score_predictions

#: Strengths of regularization that are tried; the best on the validation texts is kept.
STRENGTHS = (0.1, 1.0, 10.0, 100.0)


class LinearModel(NamedTuple):
    """A trained linear model, which answers a task as a fused model does."""

    vectors: TfidfVectors
    model: TfidfModel
    config: PreTrainedConfig
    """Labels and task settings, chosen on the validation texts."""

    def predict(
        self, task: Task, processor: KGBertProcessor, encoded: Sequence[EncodedExample]
    ) -> list[Prediction]:
        """Return the answers to examples; each reads the whole text, however long."""
        outputs = self.model.outputs(self.vectors(_texts(encoded)))
        return self.decode(task, processor, encoded, outputs)

    def decode(
        self,
        task: Task,
        processor: KGBertProcessor,
        encoded: Sequence[EncodedExample],
        outputs: NDArray[np.float64],
    ) -> list[Prediction]:
        """Return the answers from outputs of shape (examples, outputs)."""
        return [
            task.decode([row], each, self.config, processor.graph)
            for row, each in zip(outputs, encoded, strict=True)
        ]


def fit_linear(
    task: Task,
    config: PreTrainedConfig,
    processor: KGBertProcessor,
    split: Split,
) -> tuple[LinearModel, dict[str, float]]:
    """Return the linear model that is best on the validation texts, and its scores on them.

    Args:
        task: A task that suits a linear model.
        config: The configuration of a model of the task, with the labels.
        processor: Encodes the examples, as for an encoder.
        split: Texts to learn from, and to validate.
    """
    encoded, held_out = (task.encode(part, processor) for part in split.parts()[:2])
    vectors = TfidfVectors(_texts(encoded))
    inputs, held_out_inputs = vectors(_texts(encoded)), vectors(_texts(held_out))
    targets = np.array([task.targets(each, config)[0] for each in encoded])
    fitted, scores = [], []
    for strength in STRENGTHS:
        linear = LinearModel(vectors, _fit(strength, inputs, targets, config), deepcopy(config))
        outputs = linear.model.outputs(held_out_inputs)
        if task.needs_calibration:
            task.calibrate([[row] for row in outputs], held_out, linear.config, processor.graph)
        predictions = linear.decode(task, processor, held_out, outputs)
        fitted.append(linear)
        scores.append(score_predictions(task, held_out, predictions, processor.graph))
    sign = 1 if task.metrics[task.metric].greater_is_better else -1
    best = max(range(len(fitted)), key=lambda place: sign * scores[place][task.metric])
    return fitted[best], scores[best]


def _fit(
    strength: float, inputs: Any, targets: NDArray[Any], config: PreTrainedConfig
) -> TfidfModel:
    """Return a linear model of targets as a task returns them: numbers, or labels."""
    model = TfidfModel(strength)
    if config.backbone.problem_type == "regression":
        model.fit_values(inputs, targets)
    else:
        is_index = targets.ndim == 1
        model.fit_labels(inputs, np.eye(len(labels_of(config)))[targets] if is_index else targets)
    return model


def _texts(encoded: Sequence[EncodedExample]) -> list[tuple[str, ...]]:
    return [_parts(each.example) for each in encoded]


def _parts(example: Example) -> tuple[str, ...]:
    """Return the texts of an example; with arguments also their words, and those between them."""
    if not example.arguments:
        return example.texts
    head, tail = example.arguments
    first, second = sorted((head, tail), key=lambda span: span.start)
    between = example.text[first.end : max(first.end, second.start)]
    words = (example.text[span.start : span.end] for span in (head, tail))
    return (*example.texts, between, *words)
