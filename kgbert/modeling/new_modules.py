"""The modules that no checkpoint has trained: the task head, and what reads the graph."""

import logging

from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.modeling.attention import KnowledgeAttention, ZeroLinear

logger = logging.getLogger(__name__)


def new_modules(backbone: PreTrainedModel, rest: nn.Module) -> list[str]:
    """Return the names of the new modules of a model, containers opened.

    Args:
        backbone: The model's, with its task head.
        rest: The model itself.
    """
    head = () if backbone.base_model is backbone else backbone.named_children()
    names = [f"backbone.{name}" for name, child in head if child is not backbone.base_model]
    for name, child in rest.named_children():
        if isinstance(child, nn.ModuleDict):
            names += [f"{name}.{each}" for each in child]
        elif child is not backbone:
            names.append(name)
    return [name for name in names if any(True for _ in rest.get_submodule(name).parameters())]


def tell_shut(injections: nn.Module) -> None:
    """Warn if nothing will ever come through the injections, which start as the identity."""
    opening: list[Tensor] = []
    for module in injections.modules():
        if isinstance(module, KnowledgeAttention):
            opening.append(module.gate)
        elif isinstance(module, ZeroLinear):
            opening.append(module.weight)
    if any(parameter.requires_grad or parameter.any() for parameter in opening) or not opening:
        return
    logger.warning(
        "the gates of the injections are zero and frozen, so that this training lets no knowledge "
        "in; train what is new as well: with peft, LoraConfig(..., "
        "modules_to_save=model.new_modules)."
    )
