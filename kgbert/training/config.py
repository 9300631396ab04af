"""How a model is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgbert.training.defaults import ENCODER_LEARNING_RATE, HEAD_LEARNING_RATE


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained."""

    encoder_learning_rate: float = ENCODER_LEARNING_RATE
    """Learning rate of the pretrained encoder."""
    head_learning_rate: float = HEAD_LEARNING_RATE
    """Learning rate of the task head; what reads the graph learns at a share of it."""
    epochs: int = 10
    """Epochs at most."""
    batch_size: int = 32
    """Texts in a training step."""
    patience: int = 3
    """Epochs without improvement on validation after which training stops."""
    max_length: int = 256
    """Tokens of a text that are read; the rest is cut off."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`kgbert.KGBertConfig`, the pooling for example."""
