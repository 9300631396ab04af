"""Find the texts of a file, of the training for example, that a model reads most like a text.

The similarity is the cosine of the states that the head reads: an approximation of what the texts
have in common for the model. It does not say what the model would answer without a text.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from numpy.typing import NDArray
from torch import Tensor, nn

from kgbert.encoding.collation import batches_by_length
from kgbert.explanation.results import NearestExample
from kgbert.features.backbones import head_input_of
from kgbert.models.layers.injection import masked_mean
from kgbert.tasks.base import EncodedExample
from kgbert.training.pipeline import KGBertPipeline

#: Number of texts that are shown.
NEAREST = 3
#: Largest number of names of shared entities of a text.
SHARED = 5


class ExampleIndex:
    """Texts that others are compared with."""

    def __init__(
        self, pipeline: KGBertPipeline, encoded: Sequence[EncodedExample], *, batch_size: int = 32
    ) -> None:
        """Compute the vector of each text.

        Args:
            pipeline: The model.
            encoded: The texts.
            batch_size: Number of texts of a batch.
        """
        self.pipeline, self.encoded = pipeline, list(encoded)
        self.vectors = _normalized(head_vectors(pipeline, self.encoded, batch_size=batch_size))
        self.linked = [linked_entities(each) for each in self.encoded]

    def nearest(self, encoded: EncodedExample) -> tuple[NearestExample, ...]:
        """Return the texts that are most similar to one, without that text itself."""
        vector = _normalized(head_vectors(self.pipeline, [encoded]))[0]
        similarities = self.vectors @ vector
        order = np.argsort(-similarities, kind="stable").tolist()
        others = [x for x in order if self.encoded[x].example.joined != encoded.example.joined]
        own = linked_entities(encoded)
        return tuple(self._described(x, float(similarities[x]), own) for x in others[:NEAREST])

    def _described(self, place: int, similarity: float, own: frozenset[int]) -> NearestExample:
        each, graph, task = self.encoded[place], self.pipeline.graph, self.pipeline.task
        shared, every = own & self.linked[place], own | self.linked[place]
        answer = task.quote(task.gold(each, graph)) if task.is_labelled(each.example) else None
        return NearestExample(
            each.example.joined,
            answer or "",
            similarity,
            len(shared) / len(every) if every else 0.0,
            tuple(graph.name(entity) for entity in sorted(shared)[:SHARED]),
        )


def linked_entities(encoded: EncodedExample) -> frozenset[int]:
    """Return the indices of the linked entities of an example."""
    return frozenset(x for text in encoded.texts for x in text.links.entities.tolist())


def head_vectors(
    pipeline: KGBertPipeline, encoded: Sequence[EncodedExample], *, batch_size: int = 32
) -> NDArray[np.float32]:
    """Return the state that the head reads of each example, shape (examples, hidden).

    It is the mean token state if the head reads all tokens, and the mean over the texts of an
    example with several ones.
    """
    model, processor = pipeline.model, pipeline.processor
    recorded: list[Tensor] = []

    def record(block: nn.Module, arguments: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        recorded[:] = [states.transpose(0, 1) if model.family.tokens_first else states]

    vectors: dict[int, NDArray[np.float32]] = {}
    handle = head_input_of(model.backbone).module.register_forward_hook(record)
    try:
        for places in batches_by_length([each.length for each in encoded], batch_size):
            texts = [text for place in places for text in encoded[place].texts]
            units = [unit for place in places for unit in encoded[place].units]
            batch = send_to_device(pipeline.task.collate(units, processor, 0), model.device)
            with torch.inference_mode():
                pipeline.task.compute_outputs(model, batch, processor)
            states, width = recorded[0].float(), recorded[0].shape[1]
            if model.reads_one_position:
                shifts = [width - len(x.offsets) if processor.pads_left else 0 for x in texts]
                read = [text.read_token + shift for text, shift in zip(texts, shifts, strict=True)]
                rows = states[range(len(texts)), read]
            else:
                rows = masked_mean(states, batch["attention_mask"])
            sizes = [len(encoded[place].texts) for place in places]
            means = [part.mean(0).cpu().numpy() for part in rows.split(sizes)]
            vectors.update(zip(places, means, strict=True))
    finally:
        handle.remove()
    return np.stack([vectors[place] for place in range(len(encoded))])


def _normalized(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalized: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
    return normalized
