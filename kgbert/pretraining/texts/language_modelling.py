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
    """The objective: cross-entropy at the positions with a label."""

    #: Sums of an evaluation by row: loss and number of labels, of all tokens and in mentions.
    values = 4

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, ""]:
        """Return the mean loss of the labels in a batch."""
        losses = _losses(model, batch)
        return losses.sum() / max(len(losses), 1)

    def statistics(
        self, model: nn.Module, batch: dict[str, Tensor]
    ) -> Float[Tensor, "rows values"]:
        """Return the sums of an evaluation for each row of a batch."""
        labelled = batch["labels"] != IGNORED
        losses = _losses(model, batch)
        rows = labelled.nonzero()[:, 0]
        inside = batch["in_mention"][labelled].float()
        ones = torch.ones_like(losses)
        columns = torch.stack([losses, ones, losses * inside, inside], 1)
        sums = torch.zeros(len(labelled), self.values, device=losses.device)
        return sums.index_add(0, rows, columns)

    def metrics(self, sums: NDArray[Any]) -> dict[str, float]:
        """Return loss and perplexity from the sums of all rows."""
        loss, count, domain_loss, domain_count = sums.tolist()
        metrics = {"loss": loss / max(count, 1.0)}
        if domain_count:
            metrics["domain_loss"] = domain_loss / domain_count
        return metrics


def _losses(model: nn.Module, batch: dict[str, Tensor]) -> Float[Tensor, " labels"]:
    labelled = batch["labels"] != IGNORED
    inputs: dict[str, Any] = {name: x for name, x in batch.items() if name not in _TARGETS}
    with _selected_states(encoder_of(_unwrapped(model)), labelled):
        logits: Tensor = model(**inputs).logits[0]
    return nn.functional.cross_entropy(logits.float(), batch["labels"][labelled], reduction="none")


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
