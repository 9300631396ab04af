"""Narrow the blocks of a backbone: fewer attention heads, fewer feed-forward neurons."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.features.backbones import blocks_of, encoder_config_of, family_of, feed_forward_of


@dataclass(frozen=True)
class BlockUnits:
    """Units of a block that can be left out: attention heads, or feed-forward neurons.

    Paths are dotted module names in a block.
    """

    writers: tuple[str, ...]
    """Paths of the linear layers that compute the units."""
    reader: str
    """Path of the linear layer that reads them."""
    size: int
    """Number of outputs of a writer that make up a unit: 1, or the size of an attention head."""

    def count(self, block: nn.Module) -> int:
        """Return the number of units of a block."""
        return self._reader(block).in_features // self.size

    def places(self, units: Int[Tensor, " units"]) -> Int[Tensor, " outputs"]:
        """Return the outputs of a writer, or inputs of the reader, that belong to some units."""
        return (units[:, None] * self.size + torch.arange(self.size)).flatten()

    def narrow(self, block: nn.Module, count: int) -> None:
        """Give a block new layers for this number of units, with weights of their own."""
        for path in self.writers:
            old = block.get_submodule(path)
            assert isinstance(old, nn.Linear)
            has_bias = old.bias is not None
            block.set_submodule(path, nn.Linear(old.in_features, count * self.size, has_bias))
        reader = self._reader(block)
        has_bias = reader.bias is not None
        fresh = nn.Linear(count * self.size, reader.out_features, has_bias)
        block.set_submodule(self.reader, fresh)

    def importance(
        self, block: nn.Module, squares: Float[Tensor, " inputs"]
    ) -> Float[Tensor, " units"]:
        """Return how much each unit contributes to the output of the reader.

        The importance of an input is its length over the tokens times that of its column of
        weights, as in Wanda (Sun et al. 2024, arXiv:2306.11695); that of a unit is the length of
        its inputs' importances.

        Args:
            block: The block.
            squares: Sums of the squared inputs of the reader over the tokens of some texts.
        """
        weights = self._reader(block).weight.detach().float()
        return (squares * weights.square().sum(0)).view(-1, self.size).sum(1).sqrt()

    def _reader(self, block: nn.Module) -> nn.Linear:
        reader = block.get_submodule(self.reader)
        assert isinstance(reader, nn.Linear)
        return reader


def head_units(backbone: PreTrainedModel) -> BlockUnits | None:
    """Return the attention heads of the blocks; None if none can be left out in this family."""
    path, config = family_of(backbone.config).attention, encoder_config_of(backbone.config)
    if not path:
        return None
    writers = tuple(f"{path}.self.{name}" for name in ("query", "key", "value"))
    size = config.hidden_size // config.num_attention_heads
    return BlockUnits(writers, f"{path}.output.dense", size)


def neuron_units(backbone: PreTrainedModel) -> BlockUnits | None:
    """Return the feed-forward neurons of the blocks; None if none can be left out."""
    if not family_of(backbone.config).feed_forward:
        return None
    block = blocks_of(backbone)[0]
    writer = feed_forward_of(backbone, block).module
    layers = [(name, x) for name, x in block.module.named_modules() if isinstance(x, nn.Linear)]
    place = next(place for place, (_, layer) in enumerate(layers) if layer is writer)
    return BlockUnits((layers[place][0],), layers[place + 1][0], 1)


def narrow_blocks(backbone: PreTrainedModel, heads: int | None, neurons: int | None) -> None:
    """Give all blocks new layers for fewer heads and neurons, with weights of their own.

    Args:
        backbone: The backbone.
        heads: Number of attention heads of a block; None for those that it has.
        neurons: Number of feed-forward neurons of a block; None for those that it has.
    """
    for count, units_of in ((heads, head_units), (neurons, neuron_units)):
        if count is None:
            continue
        units = units_of(backbone)
        assert units is not None
        for block in blocks_of(backbone):
            units.narrow(block.module, count)
