"""Labelled examples as a torch dataset, and the collator that makes batches of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset

from kgbert.data import Example
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.processor import KGBertProcessor
from kgbert.tasks.base import IGNORED, EncodedExample, Task
from kgbert.tasks.gold_links import gold_links


class Item(NamedTuple):
    """What the model answers with one row, and the epoch that its neighbours are drawn for."""

    unit: tuple[EncodedText, ...]
    target: Any
    """None in evaluation."""
    epoch: int
    link_gold: list[int] | None = None
    """Which of the links lead to gold entities, where the model is trained to attend to these."""


class EvaluationExamples(Dataset[Item]):
    """Examples encoded once, without targets; their neighbours are always the same."""

    def __init__(self, task: Task, processor: KGBertProcessor, examples: Sequence[Example]) -> None:
        self.encoded = task.encode(examples, processor)
        self.units = [unit for each in self.encoded for unit in each.units]

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, index: int) -> Item:
        return Item(self.units[index], None, 0)


class TrainingExamples(Dataset[Item]):
    """Examples encoded once, with targets; other neighbours are drawn in every epoch.

    Args:
        task: Encodes the examples, and says what the loss compares with.
        processor: Tokenises and links.
        examples: Labelled.
        labels: Names of the model's outputs.
        with_link_gold: Whether items say which links lead to gold entities.
    """

    def __init__(
        self,
        task: Task,
        processor: KGBertProcessor,
        examples: Sequence[Example],
        labels: Sequence[str],
        *,
        with_link_gold: bool = False,
    ) -> None:
        encoded = task.encode(examples, processor)
        self.units = [unit for each in encoded for unit in each.units]
        self.targets = [target for each in encoded for target in task.targets(each, labels)]
        self.link_gold = (
            [_link_gold(each, unit, processor) for each in encoded for unit in each.units]
            if with_link_gold
            else None
        )
        # Shared, so that workers which outlive an epoch read that of the next.
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def lengths(self) -> list[int]:
        """Tokens of each unit's longest text."""
        return [unit_length(unit) for unit in self.units]

    def __len__(self) -> int:
        return len(self.units)

    def __getitem__(self, index: int) -> Item:
        link_gold = None if self.link_gold is None else self.link_gold[index]
        return Item(self.units[index], self.targets[index], int(self.epoch), link_gold)

    def set_epoch(self, epoch: int) -> None:
        """Draw other neighbours from now on; 0 is kept for evaluation.

        The sampler calls it: Accelerate, where several processes train, informs the sampler alone.
        """
        self.epoch.fill_(epoch + 1)


class KGBertCollator:
    """Turn items into the flat dictionary that Trainer hands to the model."""

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


def unit_length(unit: Sequence[EncodedText]) -> int:
    """Return how many tokens a unit's longest text has."""
    return max(len(text.offsets) for text in unit)


def _link_gold(
    encoded: EncodedExample, unit: Sequence[EncodedText], processor: KGBertProcessor
) -> list[int]:
    """Return whether each link of a unit leads to a gold entity; spans are of the first text."""
    return [
        value
        for text in unit
        for value in (
            gold_links(encoded.example, text, processor.graph)
            if text.text == encoded.example.text
            else [IGNORED] * len(text.links.tokens)
        )
    ]
