"""Labelled examples as a torch dataset, and the collator of their batches."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedConfig

from kgbert.data import Example
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.processor import KGBertProcessor
from kgbert.tasks.answers import unit_length
from kgbert.tasks.base import IGNORED, EncodedExample, Task
from kgbert.tasks.gold_links import gold_links
from kgbert.training.overfitting.augmentation import Augmenter


class Item(NamedTuple):
    """A unit, the input of one output row, and the epoch of its neighbour sample."""

    unit: tuple[EncodedText, ...]
    target: Any
    """None in evaluation."""
    epoch: int
    link_gold: list[int] | None = None
    """Which links lead to gold entities, if the loss trains attention to them."""


class EvaluationExamples(Dataset[Item]):
    """Examples encoded once, without targets, with a fixed neighbour sample."""

    def __init__(self, task: Task, processor: KGBertProcessor, examples: Sequence[Example]) -> None:
        self.encoded = task.encode(examples, processor)
        self.units = [unit for each in self.encoded for unit in each.units]

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, index: int) -> Item:
        return Item(self.units[index], None, 0)


class Version(NamedTuple):
    """One version of the training examples, unit by unit."""

    units: list[tuple[EncodedText, ...]]
    targets: list[Any]
    link_gold: list[list[int]] | None


class TrainingExamples(Dataset[Item]):
    """Examples encoded once, with targets; every epoch has its own neighbour sample.

    Args:
        task: Encodes the examples and defines the targets.
        processor: Tokenises and links.
        examples: The labelled examples.
        config: The model's, with the labels.
        with_link_gold: Whether items mark the links to gold entities.
        augmenter: Writes versions of the examples, of which each epoch reads one; None for the
            examples as they are.
    """

    def __init__(
        self,
        task: Task,
        processor: KGBertProcessor,
        examples: Sequence[Example],
        config: PreTrainedConfig,
        *,
        with_link_gold: bool = False,
        augmenter: Augmenter | None = None,
    ) -> None:
        versions = augmenter.versions(examples) if augmenter else [examples]
        self.versions = [
            _version(number, each, task, processor, config, with_link_gold, augmenter)
            for number, each in enumerate(versions)
        ]
        # In shared memory, so that persistent workers see the next epoch.
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def units(self) -> list[tuple[EncodedText, ...]]:
        """The units of the first version."""
        return self.versions[0].units

    @property
    def targets(self) -> list[Any]:
        """The targets of the first version."""
        return self.versions[0].targets

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each unit's longest text."""
        return [unit_length(unit) for unit in self.units]

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, index: int) -> Item:
        epoch = int(self.epoch)
        version = self.versions[max(0, epoch - 1) % len(self.versions)]
        link_gold = None if version.link_gold is None else version.link_gold[index]
        return Item(version.units[index], version.targets[index], epoch, link_gold)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the neighbour sample; 0 is reserved for evaluation.

        The sampler calls it, because Accelerate reports the epoch to the sampler only.
        """
        self.epoch.fill_(epoch + 1)


def _version(
    number: int,
    examples: Sequence[Example],
    task: Task,
    processor: KGBertProcessor,
    config: PreTrainedConfig,
    with_link_gold: bool,
    augmenter: Augmenter | None,
) -> Version:
    """Return one version of examples, encoded."""
    encoded = task.encode(examples, processor)
    if augmenter is not None:
        encoded = [
            replace(each, units=_hidden(each.units, number, place, augmenter, processor))
            for place, each in enumerate(encoded)
        ]
    return Version(
        [unit for each in encoded for unit in each.units],
        [target for each in encoded for target in task.targets(each, config)],
        [_link_gold(each, unit, processor) for each in encoded for unit in each.units]
        if with_link_gold
        else None,
    )


def _hidden(
    units: Sequence[tuple[EncodedText, ...]],
    version: int,
    place: int,
    augmenter: Augmenter,
    processor: KGBertProcessor,
) -> tuple[tuple[EncodedText, ...], ...]:
    """Return the units of an example without the links and paths of some of its entities."""

    def hidden(text: EncodedText) -> EncodedText:
        found = augmenter.hide_entities(text, version, place)
        is_changed = len(found.links.tokens) < len(text.links.tokens)
        return processor.paths.update(found) if is_changed and processor.paths else found

    return tuple(tuple(map(hidden, unit)) for unit in units)


class KGBertCollator:
    """Collates items into the keyword arguments that Trainer passes to the model."""

    def __init__(self, task: Task, processor: KGBertProcessor) -> None:
        self.task, self.processor = task, processor

    def __call__(self, items: Sequence[Item]) -> Batch:
        """Return the batch, with targets in training."""
        first = items[0]
        batch = self.task.collate([item.unit for item in items], self.processor, first.epoch)
        if first.target is not None:
            targets = [item.target for item in items]
            batch |= self.task.collate_targets(targets, batch, self.processor)
        if first.link_gold is not None:
            gold = [value for item in items for value in item.link_gold or ()]
            batch["link_gold"] = torch.tensor(gold, dtype=torch.int64)
        return batch


def _link_gold(
    encoded: EncodedExample, unit: Sequence[EncodedText], processor: KGBertProcessor
) -> list[int]:
    """Return whether each link of a unit leads to a gold entity; spans lie in the first text."""
    return [
        value
        for text in unit
        for value in (
            gold_links(encoded.example, text, processor.graph)
            if text.text == encoded.example.joined
            else [IGNORED] * len(text.links.tokens)
        )
    ]
