"""Ask a trained model."""

from collections.abc import Sequence

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray

from kgbert.encoding.dataset import IGNORED, Target
from kgbert.encoding.encoded import EncodedText
from kgbert.encoding.length_grouping import batches_by_length
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import Answer, Task


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
) -> list[NDArray[np.float32]]:
    """Return the logits of each text, without padding: of its labels, tokens or mentions."""
    model.eval()
    found: dict[int, NDArray[np.float32]] = {}
    for places in batches_by_length([len(text.offsets) for text in encoded], batch_size):
        texts = [encoded[place] for place in places]
        batch = send_to_device(processor.collate(texts), model.device)
        with torch.inference_mode():
            logits = model(**batch).logits.float().cpu().numpy()
        for place, row, text in zip(places, logits, texts, strict=True):
            found[place] = own_logits(row, text, processor)
    return [found[place] for place in range(len(encoded))]


def own_logits(
    logits: NDArray[np.float32], text: EncodedText, processor: KGBertProcessor
) -> NDArray[np.float32]:
    """Return the logits of one text without those of its padding."""
    if logits.ndim == 1:
        return logits
    length = len(text.candidate_sets if processor.candidates else text.offsets)
    padded_left = processor.reads_last_token and not processor.candidates
    return logits[len(logits) - length :] if padded_left else logits[:length]


def answer(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    encoded: Sequence[EncodedText],
    task: Task,
) -> list[Answer]:
    """Return a model's answers to encoded texts."""
    return [
        task.answer(logits, text, model.config)
        for logits, text in zip(logits_of(model, processor, encoded), encoded, strict=True)
    ]
