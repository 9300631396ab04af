"""The ways in which knowledge may enter a backbone: kgbert's own, and those of its rivals."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, ReadoutFusionHook, TokenFusionHook
from kgbert.models.layers.knowledge_attention import KnowledgeAttention


class Fusion(NamedTuple):
    """One way in which knowledge enters."""

    injections: Callable[[KGBertConfig, int, bool], list[Injection]]
    """Called with the configuration, the position that a task head reads, and whether the text is
    pooled there."""
    reads_graph: bool
    """Whether it reads what the graph encoder makes of the features, or these themselves."""
    needs_pooling: bool = False
    """Whether there must be one position that the task head reads."""


def _of_baseline(name: str) -> Callable[[KGBertConfig, int, bool], list[Injection]]:
    """Return a function ``module:function`` of :mod:`kgbert.baselines`, imported when called."""
    module, _, function = name.partition(":")

    def injections(config: KGBertConfig, read_position: int, pools: bool) -> list[Injection]:
        # Late, since the baselines are built from the layers of this room.
        found = getattr(import_module(f"kgbert.baselines.{module}"), function)
        made: list[Injection] = found(config, read_position, pools)
        return made

    return injections


def attention_injections(config: KGBertConfig, read_position: int, pools: bool) -> list[Injection]:
    """Return a knowledge attention after each injected block, and one behind the pooling."""
    blocks = config.backbone.num_hidden_layers
    found = []
    for layer in config.injected_layers:
        name = f"layer_{layer}"
        found.append(Injection(name, layer, _attention(config), TokenFusionHook(name)))
    if pools:
        change = ReadoutFusionHook("readout", read_position)
        found.append(Injection("readout", blocks, _attention(config), change, "pooled"))
    return found


def _attention(config: KGBertConfig) -> KnowledgeAttention:
    return KnowledgeAttention(
        config.backbone.hidden_size,
        config.knowledge_size,
        config.knowledge_heads,
        config.knowledge_dropout,
    )


#: The fusions by name.
FUSIONS = {
    "attention": Fusion(attention_injections, reads_graph=True),
    "ernie": Fusion(_of_baseline("ernie:ernie_injections"), reads_graph=False),
    "knowbert": Fusion(_of_baseline("knowbert:knowbert_injections"), reads_graph=False),
    "pooled": Fusion(
        _of_baseline("on2vec:pooled_injections"), reads_graph=True, needs_pooling=True
    ),
}
