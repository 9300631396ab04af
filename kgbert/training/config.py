"""The settings of a training, and their defaults for small labelled sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgbert.utils.checks import check_positive

#: Learning rate of a pretrained encoder.
ENCODER_LEARNING_RATE = 2e-4

#: Learning rate of a new task head.
HEAD_LEARNING_RATE = 1e-3

#: Learning rate of injections and graph encoder as a fraction of the head's rate. They are deeper
#: than the head: at its full rate their training was unstable with a few hundred texts.
KNOWLEDGE_SHARE = 0.3


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training."""

    encoder_learning_rate: float = ENCODER_LEARNING_RATE
    """Learning rate of the pretrained encoder."""
    head_learning_rate: float = HEAD_LEARNING_RATE
    """Learning rate of the task head; the knowledge layers use a fraction of it."""
    epochs: int = 10
    """Maximum number of epochs."""
    batch_size: int = 32
    """Texts per training step."""
    patience: int = 3
    """Epochs without improvement on validation after which training stops."""
    max_length: int = 256
    """Maximum number of tokens of a text; longer texts are truncated."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`kgbert.KGBertConfig`, for example the pooling."""

    def __post_init__(self) -> None:
        check_positive(
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience,
            max_length=self.max_length,
        )
