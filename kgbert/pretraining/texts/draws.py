"""The rows of a training in the order in which they are used, and the held-out rows."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers.trainer_pt_utils import get_length_grouped_indices

from kgbert.pretraining.texts.token_blocks import TokenBlocks, Tokens


class Draw(NamedTuple):
    """A row of tokens with the seed of its mask."""

    tokens: Tokens
    seed: int
    epoch: int = 0
    """Part of the seed of the neighbour sampling; 0 in evaluation."""


class TrainingDraws(Dataset[Draw]):
    """All rows of a whole training in the order in which they are used, over several epochs.

    Order and masks depend on the seed and the position only, so that a resumed training is equal to
    an uninterrupted one, with any number of processes and loader workers.
    """

    def __init__(self, blocks: TokenBlocks, count: int, batch_size: int, *, seed: int) -> None:
        """Create the draws.

        Args:
            blocks: The rows.
            count: The number of draws.
            batch_size: The number of rows per step; rows of similar length share a step.
            seed: Seed of the orders and masks.
        """
        self.blocks, self.count, self.batch_size, self.seed = blocks, count, batch_size, seed
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Draw:
        epoch, position = divmod(index, len(self.blocks))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._order_of(epoch)
        return Draw(self.blocks[int(self._order[position])], seed_of(self.seed, index), epoch)

    def _order_of(self, epoch: int) -> NDArray[np.int64]:
        lengths = self.blocks.lengths
        if len(np.unique(lengths)) <= 2:  # packed rows, of which only the last may be shorter
            return np.random.default_rng([self.seed, epoch]).permutation(len(lengths))
        generator = torch.Generator().manual_seed(seed_of(self.seed, epoch))
        order = get_length_grouped_indices(lengths.tolist(), self.batch_size, generator=generator)
        return np.array(order, np.int64)


class HeldOutDraws(Dataset[Draw]):
    """Evenly spaced held-out rows with fixed masks."""

    def __init__(self, blocks: TokenBlocks, most: int) -> None:
        self.blocks = blocks
        spaced = np.linspace(0, len(blocks) - 1, min(most, len(blocks))).round().astype(np.int64)
        # Sorted by length, so that batches need little padding.
        self.rows = spaced[np.argsort(blocks.lengths[spaced], kind="stable")]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Draw:
        row = int(self.rows[index])
        return Draw(self.blocks[row], seed_of(0xE7A1, row))


def seed_of(*numbers: int) -> int:
    """Return a seed that depends on all numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
