"""Labelled texts as a torch dataset, and the collator that makes batches of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch.utils.data import Dataset

from kgbert.data import Example
from kgbert.encoding.encoded import Batch, EncodedText
from kgbert.encoding.processor import KGBertProcessor

#: The label of a token that is not scored.
IGNORED = -100

#: What the model should answer: one label a text, or one a token, or one a mention.
Target = int | list[int]


class Item(NamedTuple):
    """One text, what it should be answered with, and the epoch that draws its neighbours."""

    encoded: EncodedText
    target: Target
    epoch: int
    gold: list[int] | None = None
    """What gold links say of each link, where they are taught."""


class LabelledTexts(Dataset[Item]):
    """Texts tokenised and linked once; the loader's workers pad and sample.

    Evaluation always draws the same neighbours; training draws others in every epoch, as
    :class:`TrainingTexts` does.
    """

    def __init__(
        self,
        processor: KGBertProcessor,
        examples: Sequence[Example],
        target_of: Callable[[Example, EncodedText], Target],
        gold_of: Callable[[Example, EncodedText], list[int]] | None = None,
    ) -> None:
        self.encoded = processor.encode(examples)
        self.targets = [
            target_of(example, encoded)
            for example, encoded in zip(examples, self.encoded, strict=True)
        ]
        self.gold = [
            gold_of(example, encoded) if gold_of else None
            for example, encoded in zip(examples, self.encoded, strict=True)
        ]
        # Shared, so that workers which outlive an epoch hear of the next.
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, index: int) -> Item:
        return Item(self.encoded[index], self.targets[index], int(self.epoch), self.gold[index])


class TrainingTexts(LabelledTexts):
    """Labelled texts whose neighbourhoods are drawn anew in each epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Draw other neighbours from now on; 0 is kept for evaluation.

        The sampler calls it: Accelerate, where several processes train, tells the sampler alone.
        """
        self.epoch.fill_(epoch + 1)


class KGBertCollator:
    """Turn items into the flat dictionary that Trainer hands to the model."""

    def __init__(self, processor: KGBertProcessor) -> None:
        self.processor = processor

    def __call__(self, items: Sequence[Item]) -> Batch:
        """Return the batch with its labels."""
        batch = self.processor.collate([item.encoded for item in items], items[0].epoch)
        width, left = batch["input_ids"].shape[1], self.processor.reads_last_token
        if self.processor.candidates:
            width, left = batch["mention_spans"].shape[1], False
        # Whole numbers even where no text of the batch has a mention to be answered.
        labels = [_padded(x.target, width, left) for x in items]
        batch["labels"] = torch.tensor(labels, dtype=torch.int64)
        if items[0].gold is not None:
            gold = [said for x in items for said in x.gold or ()]
            batch["link_gold"] = torch.tensor(gold, dtype=torch.int64)
        return batch


def _padded(target: Target, width: int, left: bool) -> Target:
    if isinstance(target, int):
        return target
    padding = [IGNORED] * (width - len(target))
    return padding + target if left else target + padding
