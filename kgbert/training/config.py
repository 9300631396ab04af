"""How a model is trained: the settings that an arm of a comparison, or a single model, has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgbert.training.defaults import ENCODER_LEARNING_RATE, HEAD_LEARNING_RATE


@dataclass(frozen=True)
class TrainingConfig:
    """Hyperparameters of a training; chosen on validation, from the same grid for every arm."""

    encoder_learning_rate: float = ENCODER_LEARNING_RATE
    head_learning_rate: float = HEAD_LEARNING_RATE
    epochs: int = 10
    batch_size: int = 32
    patience: int = 3
    max_length: int = 256
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of KGBertConfig that all arms share, the pooling for example."""
