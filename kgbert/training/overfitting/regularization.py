"""Apply measures against overfitting to a model, its learning rates and its loss."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from kgbert.features.backbones import blocks_of, family_of
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import IGNORED
from kgbert.training.config import Regularization
from kgbert.utils.errors import KGBertError, Remedy


def layer_depths(model: KGBertPreTrainedModel) -> dict[int, int]:
    """Return the depth of each pretrained parameter by its id.

    The depth is 0 for the embeddings, the number of the block for blocks, and that of the last
    block for what lies above.

    Raises:
        KGBertError: The blocks of the encoder share their weights.
    """
    encoder = model.backbone.base_model
    if family_of(model.config.backbone).shared_blocks:
        raise KGBertError(
            f"the layers of {model.config.backbone.model_type} share their weights, so that they "
            "cannot be frozen or learn at rates of their own.",
            code="shared-blocks",
            remedies=[Remedy("frozen_layers", 0), Remedy("layer_rate_decay", 1)],
        )
    blocks = blocks_of(model.backbone)
    by_block = {
        id(parameter): number
        for number, block in enumerate(blocks, 1)
        for parameter in block.module.parameters()
    }
    depths, has_passed_blocks = {}, False
    for parameter in encoder.parameters():
        has_passed_blocks = has_passed_blocks or id(parameter) in by_block
        outside = len(blocks) if has_passed_blocks else 0
        depths[id(parameter)] = by_block.get(id(parameter), outside)
    return depths


@contextmanager
def regularized(model: KGBertPreTrainedModel, chosen: Regularization) -> Iterator[None]:
    """Set dropout and freeze layers inside the context; the model is as before afterwards.

    Raises:
        KGBertError: The encoder has fewer blocks than are to be frozen, or shares their weights.
    """
    frozen = _parameters_to_freeze(model, chosen.frozen_layers)
    before = _dropout_attributes(model.backbone) if chosen.dropout is not None else []
    try:
        for parameter in frozen:
            parameter.requires_grad = False
        for module, name, _ in before:
            setattr(module, name, chosen.dropout)
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad = True
        for module, name, value in before:
            setattr(module, name, value)


def _parameters_to_freeze(model: KGBertPreTrainedModel, count: int) -> list[nn.Parameter]:
    """Return the trained parameters of the lowest blocks and of the embeddings."""
    if not count:
        return []
    depths, blocks = layer_depths(model), len(blocks_of(model.backbone))
    if count > blocks:
        raise KGBertError(
            f"{count} layers cannot be frozen, as the encoder has {blocks}.",
            code="too-many-frozen-layers",
            remedies=[Remedy("frozen_layers", blocks, "or less")],
        )
    return [
        parameter
        for parameter in model.backbone.base_model.parameters()
        if parameter.requires_grad and depths[id(parameter)] <= count
    ]


def _dropout_attributes(backbone: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """Return the dropout probabilities of modules, and of attributes passed to functions."""
    found: list[tuple[nn.Module, str, float]] = []
    for module in backbone.modules():
        if isinstance(module, nn.Dropout):
            found.append((module, "p", module.p))
        found += [
            (module, name, value)
            for name, value in vars(module).items()
            if "dropout" in name and isinstance(value, float)
        ]
    return found


def balanced_class_weights(targets: Sequence[Any], labels: int) -> Float[Tensor, " labels"]:
    """Return a weight for each label, inverse to its number in the targets; their mean is 1.

    >>> balanced_class_weights([0, 0, 0, [1, -100]], 2)
    tensor([0.6667, 2.0000])
    """
    flat = _flat(targets)
    counts = torch.bincount(flat[flat != IGNORED], minlength=labels).float()
    weights = counts.sum() / (labels * counts.clamp(min=1))
    return torch.where(counts > 0, weights, 1.0)


def _flat(targets: Sequence[Any]) -> Int[Tensor, " targets"]:
    """Return the class indices of all units as one tensor."""
    flat = [x for each in targets for x in (each if isinstance(each, list | tuple) else [each])]
    return torch.tensor(flat, dtype=torch.int64)


def class_loss(
    logits: Float[Tensor, "units labels"],
    targets: Int[Tensor, " units"],
    *,
    untrained: Sequence[int] = (),
    weights: Float[Tensor, " labels"] | None = None,
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return the cross-entropy over the labels that have training texts.

    Args:
        logits: The scores of all labels.
        targets: The labels, IGNORED where there is none.
        untrained: Labels without training texts, which the loss leaves out.
        weights: Weight of each label; None for equal weights.
        smoothing: Share of the target probability that is spread over the labels.
    """
    keep = torch.ones(logits.shape[-1], dtype=torch.bool, device=logits.device)
    keep[list(untrained)] = False
    position = torch.where(keep, keep.cumsum(0) - 1, IGNORED)
    moved = torch.where(targets >= 0, position[targets.clamp(min=0)], IGNORED)
    return nn.functional.cross_entropy(
        logits[:, keep].float(),
        moved,
        weight=None if weights is None else weights[keep].to(logits.device),
        label_smoothing=smoothing,
    )


def l1_norm(model: nn.Module) -> Float[Tensor, ""]:
    """Return the sum of the absolute values of the trained weight matrices."""
    weights = [x.abs().sum() for x in model.parameters() if x.requires_grad and x.dim() > 1]
    return torch.stack(weights).sum()
