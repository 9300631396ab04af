"""The properties of backbone families, in one table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from kgbert.utils.errors import KGBertError

#: The model type of an encoder and a decoder that were joined.
JOINED = "encoder-decoder"

#: The token whose state a sequence head reads.
ReadPosition = Literal["first", "last", "last non-padding"]


def unlimited(config: PreTrainedConfig) -> int | None:
    """Return None, for families with relative positions and no limit of the length."""
    return None


def position_table(config: PreTrainedConfig) -> int | None:
    """Return the number of positions in the configuration, None if it has no such field."""
    positions = getattr(config, "max_position_embeddings", None)
    return None if positions is None else int(positions)


def after_padding(config: PreTrainedConfig) -> int | None:
    """Return the number of positions after the unused ones up to the id of the padding token."""
    return int(config.max_position_embeddings) - int(config.pad_token_id or 0) - 1


def _mpnet(config: PreTrainedConfig) -> int | None:
    # MPNet always uses the padding index 1 and ignores the configuration.
    return int(config.max_position_embeddings) - 2


def _deberta(config: PreTrainedConfig) -> int | None:
    return position_table(config) if getattr(config, "position_biased_input", True) else None


@dataclass(frozen=True)
class BackboneFamily:
    """The properties of a backbone family that knowledge injection needs.

    Paths are dotted module names. The defaults are those of an encoder like BERT, and
    :func:`family_of` returns them for a family that is not in :data:`FAMILIES`.
    """

    blocks: str = ""
    """Path of the list of blocks in the base model; empty to search for the list."""
    shared_blocks: bool = False
    """Whether there are fewer blocks than layers, each called for several consecutive layers."""
    inner_layers: str = ""
    """Path of the list of layers in a shared block; the last one is injected."""
    final_norm: str = ""
    """Path of the normalisation after the last block in the base model; empty if there is none."""
    feed_forward: str = ""
    """Path of the first feed-forward layer, before the activation, in a block; empty if the
    feed-forward part is gated or unknown."""
    attention: str = ""
    """Path of the attention in a block, if its part ``self`` mixes the tokens and its part
    ``output`` adds the input of the block; empty for other blocks."""
    tokens_first: bool = False
    """Whether states have the shape (tokens, batch, hidden) instead of (batch, tokens, hidden)."""
    read_position: ReadPosition = "first"
    """The token that the sequence head reads."""
    causal: bool = False
    """Whether a token attends only to the tokens before it."""
    max_tokens: Callable[[PreTrainedConfig], int | None] = position_table
    """Maximum number of tokens, special tokens included; None for no limit."""
    runs_without_blocks: bool = False
    """Whether transformers computes it without blocks, from the states of its ``embeddings``."""
    absolute_positions: Literal["", "from zero", "after padding"] = ""
    """The first position number, if absolute positions are the only source of word order; empty for
    other families, to which custom positions cannot be passed."""

    @property
    def reads_first_token(self) -> bool:
        """Whether the sequence head reads the first token."""
        return self.read_position == "first"

    def first_position(self, config: PreTrainedConfig) -> int | None:
        """Return the position number of the first token, None if positions are not absolute."""
        if not self.absolute_positions:
            return None
        return 0 if self.absolute_positions == "from zero" else int(config.pad_token_id or 0) + 1


def family_of(config: PreTrainedConfig) -> BackboneFamily:
    """Return the family of a configuration, or the defaults if it is unknown.

    The family of two joined models is that of the encoder inside them.
    """
    if config.model_type == JOINED:
        inner = family_of(config.encoder)
        blocks = f"encoder.{inner.blocks}" if inner.blocks else ""
        return replace(inner, blocks=blocks, final_norm="", absolute_positions="")
    known = FAMILIES | ENCODER_DECODERS
    return known.get(config.model_type, BackboneFamily())


def encoder_config_of(config: PreTrainedConfig) -> PreTrainedConfig:
    """Return the configuration of the encoder, which two joined models have apart."""
    inner: PreTrainedConfig = config.encoder if config.model_type == JOINED else config
    return inner


def longest_text(config: PreTrainedConfig) -> int | None:
    """Return the maximum number of tokens, special tokens included; None for no limit."""
    return family_of(config).max_tokens(encoder_config_of(config))


@dataclass(frozen=True)
class Block:
    """One layer of a backbone: a module, and the number of its call if blocks are shared."""

    module: nn.Module
    call: int | None = None
    """Number of the call, from 1, among all calls of shared blocks in a forward pass; None if
    blocks are not shared."""


def blocks_of(backbone: PreTrainedModel) -> list[Block]:
    """Return the layers of a backbone in order.

    Raises:
        KGBertError: The backbone has no list of blocks that kgbert can find.
    """
    family, config = family_of(backbone.config), encoder_config_of(backbone.config)
    layers = config.num_hidden_layers
    modules = _block_modules(backbone, family, layers)
    if family.shared_blocks:
        shared = [modules[layer * len(modules) // layers] for layer in range(layers)]
        return [Block(module, call) for call, module in enumerate(shared, 1)]
    return [Block(module) for module in modules]


def _block_modules(
    backbone: PreTrainedModel, family: BackboneFamily, layers: int
) -> list[nn.Module]:
    if family.shared_blocks:
        # transformers records hidden states at the innermost layers; the last one returns the state
        # of its group.
        groups = _modules(backbone.base_model, family.blocks)
        return [_modules(group, family.inner_layers)[-1] for group in groups]
    if family.blocks:
        return _modules(backbone.base_model, family.blocks)
    for module in backbone.modules():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            return list(module)
    raise KGBertError(
        f"{type(backbone).__name__} has no list of {layers} blocks, so that knowledge cannot be "
        "injected after some of them. Choose another backbone, for example bert, roberta, "
        "deberta-v2 or modernbert.",
        code="unknown-blocks",
    )


def head_input_of(backbone: PreTrainedModel) -> Block:
    """Return the module whose output the task head reads: the final norm or the last block.

    Without blocks, it is the module of the token embeddings.
    """
    path = family_of(backbone.config).final_norm
    if path:
        return Block(_submodule(backbone.base_model, path))
    norm = getattr(backbone.base_model, "final_norm", None)
    if norm is not None:
        return Block(norm)
    blocks = blocks_of(backbone)
    return blocks[-1] if blocks else Block(_submodule(backbone.base_model, "embeddings"))


def feed_forward_of(backbone: PreTrainedModel, block: Block) -> Block:
    """Return the first feed-forward layer of a block, before the activation.

    Raises:
        KGBertError: The feed-forward part is gated or unknown, so that there is no such layer.
    """
    family = family_of(backbone.config)
    is_known = encoder_config_of(backbone.config).model_type in FAMILIES
    path = family.feed_forward if is_known else _widening_path(block)
    if not path:
        raise KGBertError(
            f"the feed-forward part of a {type(block.module).__name__} is gated, so that there is "
            "no single layer into which ERNIE could fuse entities. Choose another backbone, for "
            "example bert, roberta or deberta-v2.",
            code="gated-feed-forward",
        )
    return Block(_submodule(block.module, path), block.call)


def _widening_path(block: Block) -> str:
    """Return the path of the second to last linear layer if the last one reverses its shape."""
    named = [(name, x) for name, x in block.module.named_modules() if isinstance(x, nn.Linear)]
    (name, wide), (_, narrow) = named[-2:]
    return name if (wide.in_features, wide.out_features) == narrow.weight.shape else ""


def _modules(root: nn.Module, path: str) -> list[nn.Module]:
    modules = _submodule(root, path)
    assert isinstance(modules, nn.ModuleList)
    return list(modules)


def _submodule(root: nn.Module, path: str) -> nn.Module:
    return reduce(getattr, path.split("."), root)


_BERT = BackboneFamily(
    blocks="encoder.layer",
    feed_forward="intermediate.dense",
    attention="attention",
    runs_without_blocks=True,
    absolute_positions="from zero",
)
_ROBERTA = BackboneFamily(
    blocks="encoder.layer",
    feed_forward="intermediate.dense",
    attention="attention",
    runs_without_blocks=True,
    absolute_positions="after padding",
    max_tokens=after_padding,
)
_LLAMA = BackboneFamily(
    blocks="layers",
    final_norm="norm",
    read_position="last non-padding",
    causal=True,
)

#: The known families by ``model_type``. A new family is one entry here and one in the tests'
#: ``FAMILIES``; every property of the fused models is then tested for it.
FAMILIES: dict[str, BackboneFamily] = {
    "albert": BackboneFamily(
        blocks="encoder.albert_layer_groups",
        shared_blocks=True,
        inner_layers="albert_layers",
        feed_forward="ffn",
        absolute_positions="from zero",
    ),
    "bert": _BERT,
    "camembert": _ROBERTA,
    "deberta-v2": BackboneFamily(
        blocks="encoder.layer", feed_forward="intermediate.dense", max_tokens=_deberta
    ),
    "distilbert": BackboneFamily(
        blocks="transformer.layer",
        feed_forward="ffn.lin1",
        runs_without_blocks=True,
        absolute_positions="from zero",
    ),
    "electra": _BERT,
    "gpt2": BackboneFamily(
        blocks="h",
        final_norm="ln_f",
        read_position="last non-padding",
        causal=True,
    ),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "modernbert": BackboneFamily(blocks="layers", final_norm="final_norm"),
    "mpnet": BackboneFamily(
        blocks="encoder.layer",
        feed_forward="intermediate.dense",
        runs_without_blocks=True,
        max_tokens=_mpnet,
    ),
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "xlnet": BackboneFamily(
        blocks="layer",
        feed_forward="ff.layer_1",
        tokens_first=True,
        read_position="last",
        max_tokens=unlimited,
    ),
}

_T5 = BackboneFamily(
    blocks="encoder.block",
    final_norm="encoder.final_layer_norm",
    read_position="last non-padding",
    max_tokens=unlimited,
)
_BART = BackboneFamily(blocks="encoder.layers")
_MARIAN = BackboneFamily(blocks="encoder.layers", read_position="last non-padding")

#: The known families with an encoder and a decoder, of which the encoder reads the graph.
ENCODER_DECODERS: dict[str, BackboneFamily] = {
    "bart": _BART,
    "marian": _MARIAN,
    "mbart": _MARIAN,
    "mt5": _T5,
    "t5": _T5,
}
