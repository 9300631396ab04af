"""Mask tokens, whole words and whole mentions in batches of rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import get_length_grouped_indices

from kgbert.pretraining.config import MaskingConfig
from kgbert.pretraining.token_blocks import TokenBlocks, Tokens

#: Label of positions without a prediction.
IGNORED = -100


class Draw(NamedTuple):
    """A row of tokens with the seed of its mask."""

    tokens: Tokens
    seed: int


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
        return Draw(self.blocks[int(self._order[position])], _seed(self.seed, index))

    def _order_of(self, epoch: int) -> NDArray[np.int64]:
        lengths = self.blocks.lengths
        if len(np.unique(lengths)) <= 2:  # packed rows, of which only the last may be shorter
            return np.random.default_rng([self.seed, epoch]).permutation(len(lengths))
        generator = torch.Generator().manual_seed(_seed(self.seed, epoch))
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
        return Draw(self.blocks[row], _seed(0xE7A1, row))


class MaskedLMCollator:
    """Pads rows and masks units of tokens with transformers' collator for language modelling.

    Transformers recognises words by gaps between character offsets. It gets offsets with a gap
    before each unit, so that it masks words and mentions as a whole with every tokenizer.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, masking: MaskingConfig) -> None:
        self.tokenizer = tokenizer
        # Transformers replaces all tokens of a masked word by the mask, and none by others.
        shares = (1.0, 0.0) if masking.whole_words else (0.8, 0.1)
        self._mask = DataCollatorForLanguageModeling(
            tokenizer,
            whole_word_mask=masking.whole_words,
            mlm_probability=masking.probability,
            mask_replace_prob=shares[0],
            random_replace_prob=shares[1],
        )

    def __call__(self, draws: Sequence[Draw]) -> dict[str, Tensor]:
        """Return a batch with labels at the masked positions, and the tokens in mentions."""
        rows, in_mention = _padded(draws, self.tokenizer)
        for row, draw in zip(rows, draws, strict=True):
            units = np.cumsum(draw.tokens.starts_unit)
            starts = np.arange(len(units)) + units
            padding = [(0, 0)] * (len(row["input_ids"]) - len(units))
            row["offset_mapping"] = [*zip(starts, starts + 1, strict=True), *padding]
        if not self._mask.whole_word_mask:
            for row in rows:
                del row["offset_mapping"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed(*(draw.seed for draw in draws)))
            batch = self._mask(rows)
        return {**batch, "in_mention": in_mention}


class CausalLMCollator:
    """Pads rows; the label of a token is the next token."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def __call__(self, draws: Sequence[Draw]) -> dict[str, Tensor]:
        """Return a batch with the next token as label of each position."""
        rows, in_mention = _padded(draws, self.tokenizer)
        names = ("input_ids", "attention_mask")
        batch = {name: torch.tensor([row[name] for row in rows]) for name in names}
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, IGNORED)
        none = torch.full((len(rows), 1), IGNORED)
        batch["labels"] = torch.cat([labels[:, 1:], none], 1)
        shifted = torch.cat([in_mention[:, 1:], torch.zeros_like(in_mention[:, :1])], 1)
        return {**batch, "in_mention": shifted}


def _padded(
    draws: Sequence[Draw], tokenizer: PreTrainedTokenizerBase
) -> tuple[list[dict[str, Any]], Tensor]:
    """Return rows of equal length, and whether each token is in a mention."""
    width = max(len(draw.tokens.ids) for draw in draws)
    rows, in_mention = [], torch.zeros(len(draws), width, dtype=torch.bool)
    for number, (tokens, _) in enumerate(draws):
        missing = width - len(tokens.ids)
        rows.append(
            {
                "input_ids": [*tokens.ids.tolist(), *[tokenizer.pad_token_id] * missing],
                "attention_mask": [1] * len(tokens.ids) + [0] * missing,
                "special_tokens_mask": [*tokens.special.astype(int).tolist(), *[1] * missing],
            }
        )
        in_mention[number, : len(tokens.ids)] = torch.from_numpy(tokens.in_mention)
    return rows, in_mention


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
