"""Mask tokens, whole words and whole mentions in batches of rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from kgbert.encoding.encoded import Batch
from kgbert.pretraining.config import MaskingConfig
from kgbert.pretraining.texts.draws import Draw, seed_of
from kgbert.pretraining.texts.graph_reading import GraphReader

#: Returns a batch of rows.
Collator = Callable[[Sequence[Draw]], Batch]

#: Label of positions without a prediction.
IGNORED = -100


class MaskedLMCollator:
    """Pads rows and masks units of tokens with transformers' collator for language modelling.

    Transformers recognises words by gaps between character offsets. It gets offsets with a gap
    before each unit, so that it masks words and mentions as a whole with every tokenizer.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        masking: MaskingConfig,
        reader: GraphReader | None = None,
    ) -> None:
        """Create the collator.

        Args:
            tokenizer: The tokenizer.
            masking: Which tokens are masked.
            reader: Adds the entities of the linked tokens; None for a model without knowledge.
        """
        self.tokenizer, self.reader = tokenizer, reader
        # Transformers replaces all tokens of a masked word by the mask, and none by others.
        shares = (1.0, 0.0) if masking.whole_words else (0.8, 0.1)
        self._mask = DataCollatorForLanguageModeling(
            tokenizer,
            whole_word_mask=masking.whole_words,
            mlm_probability=masking.probability,
            mask_replace_prob=shares[0],
            random_replace_prob=shares[1],
        )

    def __call__(self, draws: Sequence[Draw]) -> Batch:
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
            torch.manual_seed(seed_of(*(draw.seed for draw in draws)))
            batch = self._mask(rows)
        knowledge = self.reader(draws, batch["labels"] != IGNORED) if self.reader else {}
        return {**batch, "in_mention": in_mention, **knowledge}


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
    for number, tokens in enumerate(draw.tokens for draw in draws):
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
