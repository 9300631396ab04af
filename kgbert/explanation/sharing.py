"""Change forward passes of variants: compute once what they have in common, and hide labels."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from kgbert.features.backbones import blocks_of
from kgbert.models.base import KGBertPreTrainedModel

#: Implementations of the attention whose masks are tensors with one row a text.
_SLICEABLE = ("eager", "sdpa")


@contextmanager
def share_first_blocks(model: KGBertPreTrainedModel, same: Sequence[int]) -> Iterator[None]:
    """Compute the blocks below the knowledge once for texts that differ in knowledge only.

    Inside the context, a text gets the states of the first one with the same tokens after the last
    block before the injections. Backbones that call one block several times compute all texts.

    Args:
        model: The model.
        same: For each text of the batch, the first text with the same tokens, by its place.
    """
    family, attention = model.family, model.backbone.config._attn_implementation
    is_shared = len(set(same)) < len(same) and attention in _SLICEABLE
    is_shared = is_shared and not (family.shared_blocks or family.tokens_first)
    count = model.blocks_before_knowledge if is_shared else 0
    with ExitStack() as hooks:
        for block in blocks_of(model.backbone)[:count] if count else ():
            sharing = _Sharing(same)
            first = block.module.register_forward_pre_hook(sharing.shorten, with_kwargs=True)
            # Before the hook that injects knowledge.
            last = block.module.register_forward_hook(sharing.repeat, prepend=True)
            hooks.callback(first.remove)
            hooks.callback(last.remove)
        yield


@contextmanager
def only_read_state(model: KGBertPreTrainedModel) -> Iterator[None]:
    """Compute the state of the first token only in the last block, if the head reads no other.

    Inside the context, the other states after the last block are zero. Models whose head reads
    other states, or that inject knowledge inside of blocks, and blocks of another structure than
    BERT's compute all states.
    """
    family, config = model.family, model.config
    reads_others = config.pooling != "head" or config.label_vectors or config.compares_texts
    reads_first = model.reads_one_position and not reads_others
    reads_first = reads_first and not model.injects_inside_blocks
    with ExitStack() as hooks:
        if reads_first and family.attention and family.reads_first_token:
            block = blocks_of(model.backbone)[-1].module
            attention = block.get_submodule(family.attention)
            for handle in (
                attention.get_submodule("self").register_forward_hook(_first_state),
                attention.get_submodule("output").register_forward_pre_hook(_first_input),
                # Before the hook that injects knowledge.
                block.register_forward_hook(_as_long_as_input, prepend=True),
            ):
                hooks.callback(handle.remove)
        yield


def _first_state(attention: nn.Module, arguments: Any, output: tuple[Any, ...]) -> tuple[Any, ...]:
    return (output[0][:, :1], *output[1:])


def _first_input(part: nn.Module, arguments: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    states, block_input = arguments
    return states, block_input[:, :1]


def _as_long_as_input(block: nn.Module, arguments: tuple[Any, ...], output: Any) -> Any:
    states = output[0] if isinstance(output, tuple) else output
    padded = pad(states, (0, 0, 0, arguments[0].shape[1] - 1))
    return (padded, *output[1:]) if isinstance(output, tuple) else padded


@contextmanager
def hidden_label_texts(
    model: KGBertPreTrainedModel, hidden: Sequence[Sequence[int]]
) -> Iterator[None]:
    """Hide texts of labels from the head that compares texts or tokens with them.

    Args:
        model: The model.
        hidden: The places of the hidden ones among all texts of labels, for each text of the batch.
    """
    if not any(hidden):
        yield
        return

    def hide(scorer: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        similarities, *others = arguments
        similarities = similarities.clone()
        for row, places in enumerate(hidden):
            similarities[row, ..., list(places)] = -torch.inf
        return (similarities, *others)

    handle = model.label_scorer.register_forward_pre_hook(hide)
    try:
        yield
    finally:
        handle.remove()


class _Sharing:
    """The hooks of a block: keep the first text of those with the same tokens, and repeat it.

    Args:
        same: As for :func:`share_first_blocks`.
    """

    def __init__(self, same: Sequence[int]) -> None:
        self.texts = len(same)
        self.kept = sorted(set(same))
        places = {text: place for place, text in enumerate(self.kept)}
        self.copies = [places[text] for text in same]

    def shorten(
        self, block: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a block for the kept texts."""
        states = arguments[0] if arguments else named["hidden_states"]
        width = states.shape[1]

        def shortened(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(shortened, value))
            # Embeddings of relative positions are matrices without texts.
            is_by_text = (
                isinstance(value, Tensor)
                and value.dim() > 1
                and value.shape[0] == self.texts
                and (value.dim() > 2 or value.shape[1] == width)
            )
            return value[self.kept] if is_by_text else value

        return tuple(map(shortened, arguments)), {x: shortened(y) for x, y in named.items()}

    def repeat(self, block: nn.Module, arguments: Any, output: Any) -> Any:
        """Return the output for all texts."""
        states = output[0] if isinstance(output, tuple) else output
        repeated = states[self.copies]
        return (repeated, *output[1:]) if isinstance(output, tuple) else repeated
