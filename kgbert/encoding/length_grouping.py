"""Which texts are batched together: those of about one length, which costs little padding."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class LengthGroupedSampler(Sampler[int]):
    """Draws texts in a new order in each epoch, those of about one length side by side.

    The order depends on (seed, epoch) alone and not on what else draws random numbers, so that all
    arms of a comparison see the same batches, and a resumed training goes on as it would have.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        *,
        seed: int,
        follow: Callable[[int], None] = lambda epoch: None,
    ) -> None:
        """Make the order of the first epoch.

        Args:
            lengths: Of the texts.
            batch_size: Of all processes together.
            seed: Draws the orders.
            follow: Told of each new epoch.
        """
        self.lengths, self.batch_size, self.seed = list(lengths), batch_size, seed
        self.follow, self.epoch = follow, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 10_007 + self.epoch)
        yield from get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)

    def set_epoch(self, epoch: int) -> None:
        """Draw another order from now on; called by Trainer and Accelerate."""
        self.epoch = epoch
        self.follow(epoch)


def batches_by_length(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield the places of texts batch by batch, the longest first, so that memory fails at once.

    >>> list(batches_by_length([3, 9, 4], 2))
    [[1, 2], [0]]
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
