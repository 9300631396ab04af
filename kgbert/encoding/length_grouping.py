"""Sample texts of similar length together, to reduce padding."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


class LengthGroupedSampler(Sampler[int]):
    """Samples texts in a new order in each epoch, with texts of similar length together.

    The order depends on (seed, epoch) only and not on other random numbers, so that all arms of a
    comparison have the same batches, and a resumed training is identical to an uninterrupted one.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        *,
        seed: int,
        follow: Callable[[int], None] = lambda epoch: None,
    ) -> None:
        """Create a sampler at the first epoch.

        Args:
            lengths: The length of each text.
            batch_size: The total batch size of all processes.
            seed: Seed of the orders.
            follow: Called with each new epoch.
        """
        self.lengths, self.batch_size, self.seed = list(lengths), batch_size, seed
        self.follow, self.epoch = follow, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 10_007 + self.epoch)
        yield from get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)

    def set_epoch(self, epoch: int) -> None:
        """Use the order of an epoch from now on; called by Trainer and Accelerate."""
        self.epoch = epoch
        self.follow(epoch)
