"""The settings of a training, with measures against overfitting and defaults for small sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any

from kgbert.features.learning_rate import learning_rate_by_width
from kgbert.tasks.base import Task
from kgbert.utils.checks import check_positive
from kgbert.utils.errors import KGBertError, Remedy
from kgbert.utils.registry import lookup

#: Learning rate of a new task head.
HEAD_LEARNING_RATE = 1e-3

#: Learning rate of injections and graph encoder as a fraction of the head's rate. They are deeper
#: than the head: at its full rate their training was unstable with a few hundred texts.
KNOWLEDGE_SHARE = 0.3

#: Decay of the weights in each training step.
WEIGHT_DECAY = 0.01

#: Batch sizes that are chosen from, and the steps that an epoch should have at least. With few
#: texts, the number of steps matters more than their size.
BATCH_SIZES = (32, 16, 8)
STEPS_PER_EPOCH = 40

#: The names of the class weights.
CLASS_WEIGHTS = ("equal", "balanced")


@dataclass(frozen=True)
class Regularization:
    """Measures against overfitting; the defaults switch all of them off."""

    dropout: float | None = None
    """Dropout probability in the encoder and its task head; None keeps that of the checkpoint."""
    frozen_layers: int = 0
    """Number of the lowest blocks that are not trained, together with the token embeddings."""
    layer_rate_decay: float = 1.0
    """Factor by which the learning rate of each block is smaller than that of the block above."""
    label_smoothing: float = 0.0
    """Share of the target probability that is spread over all labels."""
    class_weights: str = "equal"
    """``balanced`` weights the loss of each label inversely to its number in the training texts."""
    l1: float = 0.0
    """Factor of the sum of the absolute values of all trained weights in the loss."""
    synonym_replacement: float = 0.0
    """Share of the mentions that are replaced by another name of their entity."""
    sibling_replacement: float = 0.0
    """Share of the mentions that are replaced by the name of another child of a parent."""
    entity_dropout: float = 0.0
    """Share of the entities of a text whose links are hidden, all those of an entity together."""

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if not _RANGES.get(name, _is_share)(value):
                raise KGBertError(
                    f"{name}={value!r} is out of range; "
                    f"{_EXPECTED.get(name, 'expected a number from 0 to less than 1')}.",
                    code="regularization-out-of-range",
                )
        lookup(dict.fromkeys(CLASS_WEIGHTS), self.class_weights, "choice of class weights")
        if self.synonym_replacement + self.sibling_replacement > 1:
            raise KGBertError(
                "synonym_replacement and sibling_replacement together are more than 1, but a "
                "mention is replaced once.",
                code="regularization-out-of-range",
            )

    @property
    def changes_texts(self) -> bool:
        """Whether mentions in the training texts are replaced or unlinked."""
        return bool(self.synonym_replacement or self.sibling_replacement or self.entity_dropout)

    @property
    def changes_class_loss(self) -> bool:
        """Whether the cross-entropy over the labels is changed."""
        return bool(self.label_smoothing) or self.class_weights == "balanced"

    def check(self, task: Task) -> None:
        """Raise KGBertError where a measure does not apply to a task."""
        if self.changes_class_loss and not task.learns_classes:
            raise KGBertError(
                f"label smoothing and class weights change the cross-entropy over labels, which "
                f"{task.name} does not have.",
                code="loss-without-classes",
                remedies=[Remedy("label_smoothing", 0), Remedy("class_weights", "equal")],
            )
        if (self.synonym_replacement or self.sibling_replacement) and not task.is_augmentable:
            raise KGBertError(
                f"the targets of {task.name} depend on the words of the text, so that no mention "
                "can be replaced.",
                code="task-not-augmentable",
                remedies=[Remedy("synonym_replacement", 0), Remedy("sibling_replacement", 0)],
            )


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value < 1


#: Checks of the fields that are not shares, and what they expect.
_RANGES = {
    "dropout": lambda value: value is None or _is_share(value),
    "frozen_layers": lambda value: isinstance(value, int) and value >= 0,
    "layer_rate_decay": lambda value: isinstance(value, int | float) and 0 < value <= 1,
    "class_weights": lambda value: isinstance(value, str),
    "l1": lambda value: isinstance(value, int | float) and 0 <= value < inf,
}
_EXPECTED = {
    "frozen_layers": "expected a whole number of at least 0",
    "layer_rate_decay": "expected a number above 0 and at most 1",
    "l1": "expected a number of at least 0",
}


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training."""

    encoder_learning_rate: float | None = None
    """Learning rate of the pretrained encoder; None for the rate by its width, see
    :meth:`encoder_rate`."""
    head_learning_rate: float = HEAD_LEARNING_RATE
    """Learning rate of the task head; the knowledge layers use a fraction of it."""
    epochs: int = 10
    """Maximum number of epochs."""
    batch_size: int | None = None
    """Texts per training step; None for the number of :meth:`texts_per_step`."""
    patience: int = 3
    """Epochs in succession without a good validation score, after which training stops."""
    max_length: int = 256
    """Maximum number of tokens of a text; longer texts are truncated."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`kgbert.KGBertConfig`, for example the pooling."""
    weight_decay: float = WEIGHT_DECAY
    """Decay of the weights, except for biases and normalisations, in each step."""
    regularization: Regularization = field(default_factory=Regularization)
    """Further measures against overfitting."""

    def __post_init__(self) -> None:
        check_positive(epochs=self.epochs, patience=self.patience, max_length=self.max_length)
        if self.batch_size is not None:
            check_positive(batch_size=self.batch_size)
        if not 0 <= self.weight_decay < inf:
            raise KGBertError(
                f"weight_decay={self.weight_decay!r} is out of range; expected a number of at "
                "least 0.",
                code="regularization-out-of-range",
            )

    def changed(self, values: Mapping[str, Any]) -> "TrainingConfig":
        """Return the settings with other values of fields, or of fields of the regularization.

        >>> config = TrainingConfig().changed({"epochs": 3, "dropout": 0.2})
        >>> config.epochs, config.regularization.dropout
        (3, 0.2)
        """
        measures = {each.name for each in fields(Regularization)} & values.keys()
        return replace(
            self,
            **{name: value for name, value in values.items() if name not in measures},
            regularization=replace(self.regularization, **{x: values[x] for x in measures}),
        )

    def encoder_rate(self, width: int) -> float:
        """Return the learning rate of the encoder, which depends on its width unless it is set.

        >>> TrainingConfig().encoder_rate(384), TrainingConfig().encoder_rate(768)
        (0.0002, 5e-05)
        """
        if self.encoder_learning_rate is not None:
            return self.encoder_learning_rate
        return learning_rate_by_width(width)

    def texts_per_step(self, texts: int) -> int:
        """Return the batch size for a number of training texts.

        Unless it is set, it is the largest of 32, 16 and 8 with which an epoch has at least 40
        steps, and 8 for fewer texts.

        >>> [TrainingConfig().texts_per_step(texts) for texts in (100, 700, 5000)]
        [8, 16, 32]
        >>> TrainingConfig(batch_size=4).texts_per_step(5000)
        4
        """
        if self.batch_size is not None:
            return self.batch_size
        fitting = (size for size in BATCH_SIZES if texts >= size * STEPS_PER_EPOCH)
        return next(fitting, BATCH_SIZES[-1])
