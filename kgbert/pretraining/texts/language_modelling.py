"""The objective of pretraining on texts: cross-entropy of masked or next tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.pretraining.checkpoint import encoder_of
from kgbert.pretraining.texts.masking import IGNORED

#: What a batch has for the loss, and not for the model.
_TARGETS = ("labels", "in_mention")


class LanguageModelling:
    """The objective: cross-entropy at the positions with a label, and of hidden edges."""

    #: Sums of an evaluation by row: loss and number of labels, of all tokens, in mentions, and of
    #: hidden edges.
    values = 6

    def __init__(self, link_prediction: float = 0.0) -> None:
        """Create the objective.

        Args:
            link_prediction: Weight of the loss of the hidden edges.
        """
        self.link_prediction = link_prediction

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, ""]:
        """Return the mean loss of the labels in a batch."""
        losses, edges = _losses(model, batch)
        return _mean(losses) + self.link_prediction * _mean(edges)

    def statistics(
        self, model: nn.Module, batch: dict[str, Tensor]
    ) -> Float[Tensor, "rows values"]:
        """Return the sums of an evaluation for each row of a batch."""
        labelled = batch["labels"] != IGNORED
        losses, edges = _losses(model, batch)
        rows = labelled.nonzero()[:, 0]
        inside = batch["in_mention"][labelled].float()
        ones = torch.ones_like(losses)
        columns = torch.stack([losses, ones, losses * inside, inside], 1)
        sums = torch.zeros(len(labelled), self.values, device=losses.device)
        sums[:, :4].index_add_(0, rows, columns)
        sums[0, 4:] = torch.stack([edges.sum(), torch.ones_like(edges).sum()])
        return sums

    def metrics(self, sums: NDArray[Any]) -> dict[str, float]:
        """Return loss and perplexity from the sums of all rows."""
        loss, count, domain_loss, domain_count, edge_loss, edge_count = sums.tolist()
        metrics = {"loss": loss / max(count, 1.0)}
        if domain_count:
            metrics["domain_loss"] = domain_loss / domain_count
        if edge_count:
            metrics["edge_loss"] = edge_loss / edge_count
        return metrics


def _losses(
    model: nn.Module, batch: dict[str, Tensor]
) -> tuple[Float[Tensor, " labels"], Float[Tensor, " edges"]]:
    """Return the losses of the labels and of the hidden edges."""
    labelled = batch["labels"] != IGNORED
    targets = batch["labels"][labelled]
    inputs: dict[str, Any] = {name: x for name, x in batch.items() if name not in _TARGETS}
    if _unwrapped(model).config.is_encoder_decoder:
        # The decoder reads the labels before each position.
        logits = model(**inputs, labels=batch["labels"]).logits[labelled].float()
        return nn.functional.cross_entropy(logits, targets, reduction="none"), logits.new_empty(0)
    with _selected_states(encoder_of(_unwrapped(model)), labelled):
        output = model(**inputs)
    logits = output.logits[0].float()
    edges = output.get("edge_losses", logits.new_empty(0))
    return nn.functional.cross_entropy(logits, targets, reduction="none"), edges


def _mean(losses: Float[Tensor, " losses"]) -> Float[Tensor, ""]:
    """Return the mean, zero of no losses."""
    return losses.sum() / max(len(losses), 1)


@contextmanager
def _selected_states(encoder: nn.Module, positions: Bool[Tensor, "rows tokens"]) -> Iterator[None]:
    """Let the head compute logits at some positions only: the vocabulary is large.

    The heads compute each position by itself, so the logits there are the same.
    """

    def select(module: nn.Module, arguments: Any, output: Any) -> Any:
        output["last_hidden_state"] = output["last_hidden_state"][positions].unsqueeze(0)
        return output

    hook = encoder.register_forward_hook(select)
    try:
        yield
    finally:
        hook.remove()


def _unwrapped(model: nn.Module) -> PreTrainedModel:
    inner = getattr(model, "module", model)
    assert isinstance(inner, PreTrainedModel)
    return inner
