"""The settings of a pretraining."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class PretrainingConfig:
    """The settings of a pretraining, on texts or on a graph."""

    epochs: int | float = 3
    """Maximum number of passes over the training data."""
    max_steps: int | None = None
    """Maximum number of optimizer steps; None for no other limit than the epochs."""
    batch_size: int = 32
    """Rows of tokens, or pairs of texts, in a forward pass of one process."""
    gradient_accumulation: int = 1
    """Forward passes per optimizer step."""
    learning_rate: float = 1e-4
    """Highest learning rate of the encoder; it increases over 6 % of the steps, then decreases."""
    head_learning_rate: float = 1e-3
    """Highest learning rate of a new language-modelling head and of the injections."""
    head_warmup: float = 0.2
    """Share of the steps in which only a new head is trained and the encoder is frozen."""
    weight_decay: float = 0.01
    max_length: int = 128
    """Maximum number of tokens of a row, special tokens included."""
    held_out: float = 0.05
    """Share of the texts or entities that are held out."""
    evaluations: int = 20
    """Number of evaluations on the held-out data in the whole training."""
    patience: int = 3
    """Evaluations without a lower held-out loss after which training stops."""
    seed: int = 0
    bf16: bool | None = None
    """Whether to compute in bfloat16; None for yes where the machine is fast at it."""
    link_prediction: float = 0.0
    """Weight of the loss that predicts hidden edges of the graph, for pretraining on texts with the
    graph read; 0 hides none."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`kgbert.KGBertConfig` for pretraining on texts with a graph, such as
    ``injected_layers``; with ``injected_layers=[]`` the graph is not read."""


#: Settings that suit pretraining on a graph.
GRAPH_CONFIG = PretrainingConfig(epochs=5, batch_size=128, learning_rate=5e-5, max_length=64)

#: Settings that suit pretraining a graph encoder; the batch size is that of edges.
EDGE_CONFIG = PretrainingConfig(epochs=10, batch_size=256, learning_rate=1e-3)


@dataclass(frozen=True)
class MaskingConfig:
    """Which tokens of a text are masked, and how texts become rows."""

    probability: float = 0.15
    """Expected share of masked tokens; they are drawn anew in each epoch."""
    whole_words: bool = True
    """Whether the tokens of a word are masked together."""
    whole_mentions: bool = True
    """Whether the tokens of a mention of the graph are masked together, if there is a graph."""
    hidden_links: float = 0.5
    """Share of the masked words and mentions whose links are hidden. They are recovered from the
    text and from the entities of other mentions; the rest is also recovered from its entity."""
    packing: Literal["blocks", "lines"] = "blocks"
    """``blocks`` fills rows with consecutive texts; with ``lines`` each text has its own row."""
