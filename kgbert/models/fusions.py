"""Fusions of knowledge into a backbone: the knowledge attention and the baselines."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, ReadoutFusionHook, TokenFusionHook
from kgbert.models.layers.knowledge_attention import KnowledgeAttention
from kgbert.utils.registry import lookup, register_object

#: The entry point group under which other packages register their fusions.
FUSIONS_GROUP = "kgbert.fusions"


class Fusion(NamedTuple):
    """One method of fusing knowledge into a backbone.

    A custom fusion is passed as ``fusion=Fusion(...)`` to ``from_backbone``, or registered
    by a package under the entry point group ``kgbert.fusions``.
    """

    injections: Callable[[KGBertConfig, bool], list[Injection]]
    """Returns the injections, given the configuration and whether the text is mean-pooled."""
    reads_graph: bool
    """Whether it reads the output of the graph encoder instead of the entity features."""
    name: str = ""
    """Its name in the configuration; needed only if the object itself is passed."""
    needs_pooling: bool = False
    """Whether the task head must read one position."""
    needs_bidirectional: bool = False
    """Whether causal backbones are unsuitable."""


def _baseline(location: str) -> Callable[[KGBertConfig, bool], list[Injection]]:
    """Return a function ``module:function`` of :mod:`kgbert.baselines`, imported when called."""
    module, _, function = location.partition(":")

    def injections(config: KGBertConfig, pools: bool) -> list[Injection]:
        # Imported late, because the baselines import the layers of this package.
        build = getattr(import_module(f"kgbert.baselines.{module}"), function)
        built: list[Injection] = build(config, pools)
        return built

    return injections


def attention_injections(config: KGBertConfig, pools: bool) -> list[Injection]:
    """Return a knowledge attention after each injected block, and one after the pooling."""
    injections = []
    for layer in config.injected_layers:
        name = f"layer_{layer}"
        injections.append(Injection(name, layer, _attention(config), TokenFusionHook(name)))
    if pools:
        last, update = config.encoder_config.num_hidden_layers, ReadoutFusionHook("readout")
        injections.append(Injection("readout", last, _attention(config), update, "pooled"))
    return injections


def _attention(config: KGBertConfig) -> KnowledgeAttention:
    return KnowledgeAttention(
        config.encoder_config.hidden_size,
        config.knowledge_size,
        config.knowledge_heads,
        config.knowledge_dropout,
    )


def find_fusion(name: str) -> Fusion:
    """Return the fusion with a name, of kgbert or of an installed package."""
    return lookup(FUSIONS, name, "fusion", FUSIONS_GROUP)


def fusion_name(fusion: str | Fusion) -> str:
    """Return the name of a fusion; an object is registered in this process by its name."""
    if isinstance(fusion, str):
        return fusion
    return register_object(FUSIONS, fusion.name, fusion, "fusion")


#: The fusions by name.
FUSIONS = {
    "attention": Fusion(attention_injections, reads_graph=True),
    "ernie": Fusion(
        _baseline("ernie:ernie_injections"), reads_graph=False, needs_bidirectional=True
    ),
    "knowbert": Fusion(
        _baseline("knowbert:knowbert_injections"), reads_graph=False, needs_bidirectional=True
    ),
    "pooled": Fusion(_baseline("on2vec:pooled_injections"), reads_graph=True, needs_pooling=True),
}
