"""Ask a trained model."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray

from kgbert.batching.dataset import IGNORED, Target
from kgbert.batching.encoded import EncodedText
from kgbert.batching.processor import KGBertProcessor
from kgbert.modeling.fused import KGBertPreTrainedModel
from kgbert.training.tasks import Answer, Task


def labels_of(model: KGBertPreTrainedModel) -> list[str]:
    """Return a model's labels in the order of its logits."""
    return [str(label) for _, label in sorted((model.config.id2label or {}).items())]


def answers_of(
    logits: NDArray[np.float32], encoded: Sequence[EncodedText], task: Task, labels: Sequence[str]
) -> list[Answer]:
    """Return the answers that logits stand for.

    Args:
        logits: Shape (texts, labels) or (texts, tokens, labels), padded to the right.
        encoded: The texts.
        task: Says how an answer is read.
        labels: The labels of the logits.
    """
    best = np.atleast_2d(logits.argmax(-1).T).T
    return [
        task.answer([labels[i] for i in row.tolist()], text)
        for row, text in zip(best, encoded, strict=True)
    ]


def moved_left(
    logits: NDArray[np.float32], padded: NDArray[np.int64], targets: Sequence[Target]
) -> NDArray[np.float32]:
    """Return token logits of texts that were padded on the left with the padding on the right.

    Each batch had a width of its own, which only its labels still tell.

    Args:
        logits: Shape (texts, tokens, labels).
        padded: The labels beside them, shape (texts, tokens).
        targets: The labels before padding.
    """
    shifts = [
        int(np.argmax(np.asarray(target) != IGNORED)) - int(np.argmax(row != IGNORED))
        for target, row in zip(targets, padded, strict=True)
    ]
    return np.stack([np.roll(row, by, axis=0) for row, by in zip(logits, shifts, strict=True)])


def logits_of(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    encoded: Sequence[EncodedText],
    *,
    batch_size: int = 64,
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of each text, padding removed; shape (labels) or (tokens, labels)."""
    model.eval()
    for start in range(0, len(encoded), batch_size):
        texts = encoded[start : start + batch_size]
        batch = send_to_device(processor.collate(texts), model.device)
        with torch.inference_mode():
            logits = model(**batch).logits.float().cpu().numpy()
        for row, text in zip(logits, texts, strict=True):
            length = len(text.offsets)
            yield row if row.ndim == 1 else row[-length:] if processor.read_last else row[:length]


def answer(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    encoded: Sequence[EncodedText],
    task: Task,
) -> list[Answer]:
    """Return a model's answers to encoded texts."""
    labels = labels_of(model)
    return [
        answers_of(logits[np.newaxis], [text], task, labels)[0]
        for logits, text in zip(logits_of(model, processor, encoded), encoded, strict=True)
    ]
