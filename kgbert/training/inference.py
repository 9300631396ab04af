"""Compute the outputs and predictions of a trained model."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from accelerate.utils import send_to_device

from kgbert.encoding.collation import batches_by_length
from kgbert.encoding.encoded import Batch
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.answers import Unit, outputs_by_example, unit_length
from kgbert.tasks.base import EncodedExample, Prediction, Task
from kgbert.utils.progress import StepCallback


def model_outputs(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
    *,
    batch_size: int = 64,
    progress: StepCallback | None = None,
) -> list[list[Any]]:
    """Return a model's outputs for each example, one array per unit.

    Args:
        model: The model.
        processor: Its processor.
        task: Its task.
        encoded: The encoded examples.
        batch_size: Number of units in a batch.
        progress: Called after each batch with the numbers of finished units and of all units.
    """
    model.eval()
    units = [unit for each in encoded for unit in each.units]
    rows: dict[int, Any] = {}
    for places, batch in batches(model, processor, task, units, batch_size):
        with torch.inference_mode():
            outputs = task.compute_outputs(model, batch, processor).float().cpu().numpy()
        rows.update(zip(places, outputs, strict=True))
        if progress is not None:
            progress(len(rows), len(units))
    return outputs_by_example([rows[place] for place in range(len(units))], encoded)


def batches(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    units: Sequence[Unit],
    batch_size: int = 64,
) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of units of similar length on the device of a model, and their places."""
    for places in batches_by_length([unit_length(unit) for unit in units], batch_size):
        batch = task.collate([units[place] for place in places], processor, 0)
        yield places, send_to_device(batch, model.device)


def predict(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
    *,
    progress: StepCallback | None = None,
) -> list[Prediction]:
    """Return a model's predictions for encoded examples; ``progress`` is called by batch."""
    outputs = model_outputs(model, processor, task, encoded, progress=progress)
    return [
        task.decode(rows, each, model.config, processor.graph)
        for rows, each in zip(outputs, encoded, strict=True)
    ]


def evaluate(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    encoded: Sequence[EncodedExample],
) -> dict[str, float]:
    """Return the metrics of a model's predictions for encoded examples."""
    predictions = predict(model, processor, task, encoded)
    return score_predictions(task, encoded, predictions, processor.graph)


def score_predictions(
    task: Task,
    encoded: Sequence[EncodedExample],
    predictions: Sequence[Prediction],
    graph: KnowledgeGraph,
) -> dict[str, float]:
    """Return the metrics of predictions for encoded examples, in the same order."""
    gold = [task.gold(each, graph) for each in encoded]
    return task.score(gold, [prediction.answer for prediction in predictions])
