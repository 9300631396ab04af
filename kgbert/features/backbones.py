"""What is known of the families of backbones, in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from kgbert.utils.errors import KGBertError

#: The token whose state a head for whole texts reads.
ReadPosition = Literal["first", "last", "last non-padding"]


def unlimited(config: PreTrainedConfig) -> int | None:
    """Return None: the family encodes distances, so that no table of positions ends."""
    return None


def position_table(config: PreTrainedConfig) -> int | None:
    """Return the number of positions that the backbone has, None if it does not say."""
    positions = getattr(config, "max_position_embeddings", None)
    return None if positions is None else int(positions)


def after_padding(config: PreTrainedConfig) -> int | None:
    """Return the number of positions, the first ones up to the padding token's id being unused."""
    return int(config.max_position_embeddings) - int(config.pad_token_id or 0) - 1


def _mpnet(config: PreTrainedConfig) -> int | None:
    # MPNet's padding index is 1 whatever the configuration says.
    return int(config.max_position_embeddings) - 2


def _deberta(config: PreTrainedConfig) -> int | None:
    return position_table(config) if getattr(config, "position_biased_input", True) else None


@dataclass(frozen=True)
class BackboneFamily:
    """What kgbert has to know of a family of backbones to inject knowledge into its blocks.

    Paths are dotted names of modules. The defaults are those of an encoder like BERT; a family
    that is not in :data:`FAMILIES` is described by :func:`family_of` as far as that is safe.
    """

    blocks: str = ""
    """The list of blocks, from the base model; empty where the list has to be searched."""
    shared_blocks: bool = False
    """Whether fewer blocks than layers exist, each called for several layers in a row."""
    inner_layers: str = ""
    """The list of layers within a shared block, of which the last one is injected."""
    final_norm: str = ""
    """The normalisation behind the last block, from the base model; empty where there is none."""
    feed_forward: str = ""
    """The layer that widens the states, before the activation, from a block; empty where the
    feed-forward part is gated or unknown."""
    tokens_first: bool = False
    """Whether blocks compute on (tokens, batch, hidden) instead of (batch, tokens, hidden)."""
    read_position: ReadPosition = "first"
    """Which token the head for whole texts reads."""
    causal: bool = False
    """Whether a token sees only the tokens before it."""
    max_tokens: Callable[[PreTrainedConfig], int | None] = position_table
    """Longest text in tokens, special tokens included; None for any length."""
    absolute_positions: Literal["", "from zero", "after padding"] = ""
    """Where absolute position numbers are the only source of word order: what counts as the first
    number. Empty for all others, which cannot be given positions of one's own."""

    @property
    def reads_first_token(self) -> bool:
        """Whether the head for whole texts reads the first token."""
        return self.read_position == "first"

    def first_position(self, config: PreTrainedConfig) -> int | None:
        """Return the position number of the first token, None where positions are not absolute."""
        if not self.absolute_positions:
            return None
        return 0 if self.absolute_positions == "from zero" else int(config.pad_token_id or 0) + 1


def family_of(config: PreTrainedConfig) -> BackboneFamily:
    """Return what is known of the family of a backbone's configuration."""
    return FAMILIES.get(config.model_type, BackboneFamily())


def longest_text(config: PreTrainedConfig) -> int | None:
    """Return how many tokens a backbone takes, special tokens included; None for any number."""
    return family_of(config).max_tokens(config)


@dataclass(frozen=True)
class Block:
    """One layer of a backbone: a module, and which of the module's calls in a pass it is."""

    module: nn.Module
    call: int | None = None
    """Counted from 1 over all calls of shared blocks in a pass; None where blocks are not shared.
    """


def blocks_of(backbone: PreTrainedModel) -> list[Block]:
    """Return the layers of a backbone in order.

    Raises:
        KGBertError: The backbone has no list of blocks that kgbert can find.
    """
    family, layers = family_of(backbone.config), backbone.config.num_hidden_layers
    modules = _block_modules(backbone, family, layers)
    if family.shared_blocks:
        shared = [modules[layer * len(modules) // layers] for layer in range(layers)]
        return [Block(module, call) for call, module in enumerate(shared, 1)]
    return [Block(module) for module in modules]


def _block_modules(
    backbone: PreTrainedModel, family: BackboneFamily, layers: int
) -> list[nn.Module]:
    if family.shared_blocks:
        # Hidden states are recorded at the innermost layers, of which the last one returns the
        # state of its group.
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
    """Return the module whose output the task head reads: the last block or the final norm."""
    path = family_of(backbone.config).final_norm
    if path:
        return Block(_submodule(backbone.base_model, path))
    norm = getattr(backbone.base_model, "final_norm", None)
    return blocks_of(backbone)[-1] if norm is None else Block(norm)


def feed_forward_of(backbone: PreTrainedModel, block: Block) -> Block:
    """Return the layer that widens a block's states, before their activation.

    Raises:
        KGBertError: The feed-forward part is gated or unknown, so that there is no such layer.
    """
    family = family_of(backbone.config)
    path = family.feed_forward if backbone.config.model_type in FAMILIES else _widening(block)
    if not path:
        raise KGBertError(
            f"the feed-forward part of a {type(block.module).__name__} is gated, so that there is "
            "no single layer into which ERNIE could fuse entities. Choose another backbone, for "
            "example bert, roberta or deberta-v2.",
            code="gated-feed-forward",
        )
    return Block(_submodule(block.module, path), block.call)


def _widening(block: Block) -> str:
    """Return the path of the last but one linear layer, if the last one reverses its shape."""
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
    blocks="encoder.layer", feed_forward="intermediate.dense", absolute_positions="from zero"
)
_ROBERTA = BackboneFamily(
    blocks="encoder.layer",
    feed_forward="intermediate.dense",
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
        blocks="transformer.layer", feed_forward="ffn.lin1", absolute_positions="from zero"
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
        blocks="encoder.layer", feed_forward="intermediate.dense", max_tokens=_mpnet
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
