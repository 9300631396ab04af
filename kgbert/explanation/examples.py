"""Find the texts of a file, of the training for example, that matter most for an answer.

The similarity of two texts is the cosine of the states that the head reads. The influence of a
text on an answer is the cosine of two vectors over all weights: the gradient of the score, and the
direction in which a training step on the text moves them (Hanawa et al. 2021, arXiv:2006.04528).
Whether the score would fall without the text is approximated by this one step.
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
from kgbert.explanation.scorer import AnswerScorer
from kgbert.features.backbones import head_input_of
from kgbert.models.layers.injection import masked_mean
from kgbert.tasks.base import EncodedExample
from kgbert.training.pipeline import KGBertPipeline

#: Number of the most similar texts, and of the most influential ones, that are shown.
NEAREST = 3
#: Number of the most similar texts whose influence is computed.
COMPARED = 16
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

    def nearest(self, scorer: AnswerScorer) -> tuple[NearestExample, ...]:
        """Return the texts that are most similar to one, without that text itself.

        Those with most influence on its answers follow, if they are among the similar ones.
        """
        encoded = scorer.encoded
        vector = _normalized(head_vectors(self.pipeline, [encoded]))[0]
        similarities = self.vectors @ vector
        order = np.argsort(-similarities, kind="stable").tolist()
        others = [x for x in order if self.encoded[x].example.joined != encoded.example.joined]
        influences = self._influences(scorer, others[:COMPARED])
        influential = sorted(influences, key=lambda place: -abs(influences[place]))[:NEAREST]
        own = linked_entities(encoded)
        return tuple(
            self._described(place, float(similarities[place]), influences.get(place), own)
            for place in dict.fromkeys([*others[:NEAREST], *influential])
        )

    def _influences(self, scorer: AnswerScorer, places: Sequence[int]) -> dict[int, float]:
        """Return the influence of the labelled ones of some texts on the answers of another."""
        task, processor, model = self.pipeline.task, self.pipeline.processor, self.pipeline.model
        labelled = [x for x in places if task.is_labelled(self.encoded[x].example)]
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        if not (scorer.answers and labelled and weights):
            return {}
        wanted = _gradient(scorer.differentiable_scores().sum(), weights)
        influences = {}
        for place in labelled:
            each = self.encoded[place]
            batch = task.collate(each.units, processor, 0)
            batch |= task.collate_targets(task.targets(each, model.config), batch, processor)
            with torch.enable_grad():
                loss = model(**send_to_device(batch, model.device)).loss
            step = _gradient(-loss, weights)
            influences[place] = float(torch.cosine_similarity(wanted, step, dim=0).clamp(-1, 1))
        return influences

    def _described(
        self, place: int, similarity: float, influence: float | None, own: frozenset[int]
    ) -> NearestExample:
        each, graph, task = self.encoded[place], self.pipeline.graph, self.pipeline.task
        shared, every = own & self.linked[place], own | self.linked[place]
        answer = task.quote(task.gold(each, graph)) if task.is_labelled(each.example) else None
        return NearestExample(
            each.example.joined,
            answer or "",
            similarity,
            len(shared) / len(every) if every else 0.0,
            tuple(graph.name(entity) for entity in sorted(shared)[:SHARED]),
            influence,
        )


def _gradient(value: Tensor, weights: Sequence[nn.Parameter]) -> Tensor:
    """Return the gradient of a value as one vector."""
    gradients = torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in gradients])


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
