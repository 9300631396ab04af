"""The ways in which knowledge may enter a backbone: kgbert's own, and those of its rivals."""

from collections.abc import Callable
from typing import NamedTuple

from kgbert.modeling.attention import KnowledgeAttention
from kgbert.modeling.config import KGBertConfig
from kgbert.modeling.ernie import ernie_injections
from kgbert.modeling.injection import Attend, AttendAtOneToken, Injection
from kgbert.modeling.knowbert import knowbert_injections
from kgbert.modeling.pooled import pooled_injections


class Fusion(NamedTuple):
    """One way in which knowledge enters."""

    injections: Callable[[KGBertConfig, int, bool], list[Injection]]
    """Called with the configuration, the position that a task head reads, and whether the text is
    pooled there."""
    reads_graph: bool
    """Whether it reads what the graph encoder makes of the features, or these themselves."""
    needs_pooling: bool = False
    """Whether there must be one position that the task head reads."""


def attention_injections(config: KGBertConfig, read_position: int, pools: bool) -> list[Injection]:
    """Return a knowledge attention after each injected block, and one behind the pooling."""
    blocks = config.backbone.num_hidden_layers
    found = []
    for layer in config.injected_layers:
        name = f"layer_{layer}"
        found.append(Injection(name, layer, _attention(config), Attend(name)))
    if pools:
        change = AttendAtOneToken("readout", read_position)
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
    "ernie": Fusion(ernie_injections, reads_graph=False),
    "knowbert": Fusion(knowbert_injections, reads_graph=False),
    "pooled": Fusion(pooled_injections, reads_graph=True, needs_pooling=True),
}
