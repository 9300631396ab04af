"""Choose how much the similarity of two texts counts before training starts.

It decides some tasks and says nothing in others. As for label vectors, it is fitted to the training
pairs with the frozen encoder, and is zero where it does not help to predict their answers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from kgbert.data import Example
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.heads.label_vectors import label_loss
from kgbert.models.heads.multiple_choice import group_by_question
from kgbert.tasks.answers import Unit
from kgbert.tasks.base import EncodedExample, Task
from kgbert.training.evidence.scale import MIN_GAIN, spread
from kgbert.training.inference import batches

#: Pairs that are read, at most.
MAX_PAIRS = 500

#: Standard deviation of the normal prior of the weights, whose mean is zero.
PRIOR = 1.0

_STEPS, _SEARCH = 50, "strong_wolfe"


def fit_text_comparer(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, task: Task, train: Sequence[Example]
) -> None:
    """Set the weights of the similarity of two texts in an untrained model that compares them.

    Args:
        model: The model.
        processor: Its processor.
        task: Its task.
        train: Training pairs, of which at most :data:`MAX_PAIRS` are read.
    """
    encoded = task.encode(spread(train, MAX_PAIRS), processor)
    similarity = _similarities(model, processor, task, [x for each in encoded for x in each.units])
    typical = similarity.mean()
    comparer, loss = model.text_comparer, _Loss(model, task, encoded)
    _, _, without = loss.minimum(torch.zeros_like(similarity), len(comparer.weight))
    weight, bias, least = loss.minimum(similarity - typical, len(comparer.weight))
    if without - least >= MIN_GAIN:
        with torch.no_grad():
            comparer.weight.copy_(weight)
            comparer.bias.copy_(bias - weight * typical)


class _Loss:
    """The negative log-likelihood of the answers to some pairs."""

    def __init__(
        self, model: KGBertPreTrainedModel, task: Task, encoded: Sequence[EncodedExample]
    ) -> None:
        self.config, self.untrained = model.config.backbone, model.untrained_labels
        self.counts = [len(unit) for each in encoded for unit in each.units]
        targets = [task.targets(each, model.config)[0] for each in encoded]
        self.targets = torch.from_numpy(np.array(targets))
        bias: Any = model.get_submodule(model.output_layer).bias
        self.start = torch.zeros(()) if bias is None else bias.detach().float().cpu()
        # The loss is a mean: over texts, and over labels if there may be several.
        self.size = float(self.targets.numel())
        if self.config.problem_type == "regression":
            self.size /= 2  # squared errors of numbers with a variance of 1

    def __call__(self, scores: Float[Tensor, "pairs outputs"]) -> Tensor:
        if max(self.counts) > 1:
            grouped = group_by_question(scores.squeeze(-1), self.counts)
            return self.size * torch.nn.functional.cross_entropy(grouped, self.targets)
        scores = self.start + scores
        return self.size * label_loss(scores, self.targets, self.config, self.untrained)

    def minimum(
        self, similarity: Float[Tensor, " pairs"], outputs: int
    ) -> tuple[Tensor, Tensor, float]:
        """Return the best weights and biases, shape (outputs), and the loss with them.

        Args:
            similarity: The similarity of the texts of each pair, zero on the mean.
            outputs: Number of outputs of the head.
        """
        weight, bias = (torch.zeros(outputs, requires_grad=True) for _ in range(2))
        optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn=_SEARCH)

        def penalised() -> Tensor:
            scores = similarity.unsqueeze(-1) * weight + bias
            return self(scores) + (weight / PRIOR).square().sum() / 2

        def step() -> float:
            optimizer.zero_grad()
            total = penalised()
            total.backward()
            return float(total.detach())

        optimizer.step(step)
        return weight.detach(), bias.detach(), float(penalised().detach())


def _similarities(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    units: Sequence[Unit],
) -> Float[Tensor, " pairs"]:
    """Return the similarity of the texts of each pair, by the encoder as it is."""
    found: list[Tensor] = [torch.zeros(0)] * len(units)
    read: list[Tensor] = []
    handle = model.text_comparer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    was_training = model.training
    model.eval()
    for places, batch in batches(model, processor, task, units):
        with torch.no_grad():
            task.compute_outputs(model, batch, processor)
        values = read.pop().float().cpu().split([len(units[place]) for place in places])
        for place, value in zip(places, values, strict=True):
            found[place] = value
    model.train(was_training)
    handle.remove()
    return torch.cat(found)
