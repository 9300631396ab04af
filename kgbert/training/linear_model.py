"""Train a linear model over TF-IDF instead of an encoder, as the floor of a comparison."""

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedConfig

from kgbert.baselines.tfidf import TfidfModel
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

    model: TfidfModel
    config: PreTrainedConfig
    """Labels and task settings, chosen on the validation texts."""

    def predict(
        self, task: Task, processor: KGBertProcessor, encoded: Sequence[EncodedExample]
    ) -> list[Prediction]:
        """Return the answers to examples; each reads the whole text, however long."""
        outputs = self.model.outputs([_parts(each.example) for each in encoded])
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
    sign = 1 if task.metrics[task.metric].greater_is_better else -1
    fitted = [_fit(task, config, encoded, held_out, processor, each) for each in STRENGTHS]
    scores = [
        score_predictions(task, held_out, model.predict(task, processor, held_out), processor.graph)
        for model in fitted
    ]
    best = max(range(len(fitted)), key=lambda place: sign * scores[place][task.metric])
    return fitted[best], scores[best]


def _fit(
    task: Task,
    config: PreTrainedConfig,
    encoded: Sequence[EncodedExample],
    held_out: Sequence[EncodedExample],
    processor: KGBertProcessor,
    strength: float,
) -> LinearModel:
    model, own = TfidfModel(strength), deepcopy(config)
    texts = [_parts(each.example) for each in encoded]
    targets = np.array([task.targets(each, own)[0] for each in encoded])
    if own.backbone.problem_type == "regression":
        model.fit_values(texts, targets)
    else:
        is_index = targets.ndim == 1
        model.fit_labels(texts, np.eye(len(labels_of(own)))[targets] if is_index else targets)
    outputs = model.outputs([_parts(each.example) for each in held_out])
    if task.needs_calibration:
        task.calibrate([[row] for row in outputs], held_out, own, processor.graph)
    return LinearModel(model, own)


def _parts(example: Example) -> tuple[str, ...]:
    """Return the texts of an example; with arguments also their words, and those between them."""
    if not example.arguments:
        return example.texts
    head, tail = example.arguments
    first, second = sorted((head, tail), key=lambda span: span.start)
    between = example.text[first.end : max(first.end, second.start)]
    words = (example.text[span.start : span.end] for span in (head, tail))
    return (*example.texts, between, *words)
