"""Replace spans of tokens by sentinels, and let the decoder write the spans."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from kgbert.encoding.encoded import Batch
from kgbert.pretraining.checkpoint import sentinels
from kgbert.pretraining.texts.draws import Draw
from kgbert.pretraining.texts.masking import IGNORED
from kgbert.pretraining.texts.token_blocks import Tokens

#: Mean number of tokens of a span.
SPAN_LENGTH = 3


class SpanCorruptionCollator:
    """Pads rows in which spans are replaced by sentinels, which the labels pair with the spans.

    A share of the tokens is chosen in spans of three on average (Raffel et al. 2020, T5,
    arXiv:1910.10683)::

        input   Thank you <0> me to your party <1> week </s>
        labels  <0> for inviting <1> last <2> </s>
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, share: float) -> None:
        """Create the collator.

        Args:
            tokenizer: A tokenizer with sentinels.
            share: Share of the tokens in spans.
        """
        self.tokenizer, self.share = tokenizer, share
        self.sentinels = np.array(sentinels(tokenizer))

    def __call__(self, draws: Sequence[Draw]) -> Batch:
        """Return a batch with labels, and which of them are tokens in mentions."""
        pairs = [self._corrupted(draw) for draw in draws]
        inputs, padding = [source for source, _, _ in pairs], self.tokenizer.pad_token_id
        return {
            "input_ids": _padded(inputs, padding),
            "attention_mask": _padded([np.ones_like(x) for x in inputs], 0),
            "labels": _padded([target for _, target, _ in pairs], IGNORED),
            "in_mention": _padded([inside for _, _, inside in pairs], 0).bool(),
        }

    def _corrupted(self, draw: Draw) -> tuple[NDArray[np.int64], ...]:
        """Return the tokens of encoder and decoder, and which of the latter are in mentions."""
        tokens = draw.tokens
        masked = self._spans(tokens, np.random.default_rng(draw.seed))
        first = masked & ~np.concatenate([[False], masked[:-1]])
        starts, ids = np.flatnonzero(first), tokens.ids.astype(np.int64)
        source = ids.copy()
        source[first] = self.sentinels[: len(starts)]
        end = np.array([*self.sentinels[len(starts) :][:1], self.tokenizer.eos_token_id])
        target = np.insert(ids, starts, self.sentinels[: len(starts)])
        inside = np.insert(tokens.in_mention, starts, False)
        kept = np.insert(masked, starts, True)
        return (
            source[~masked | first],
            np.concatenate([target[kept], end]),
            np.concatenate([inside[kept], np.zeros(len(end), np.bool_)]).astype(np.int64),
        )

    def _spans(self, tokens: Tokens, random: np.random.Generator) -> NDArray[np.bool_]:
        """Return the tokens in spans: alternating segments of random lengths."""
        masked = np.zeros(len(tokens.ids), np.bool_)
        ordinary = np.flatnonzero(~tokens.special)
        count = round(self.share * len(ordinary))
        spans = min(max(1, round(count / SPAN_LENGTH)), count, len(ordinary) - count)
        # A separator of documents may split each span.
        spans = min(spans, len(self.sentinels) - int(tokens.special.sum()))
        if spans < 1:
            return masked
        inside, outside = (
            _segments(total, spans, random) for total in (count, len(ordinary) - count)
        )
        lengths = np.stack([outside, inside], 1).ravel()
        masked[ordinary] = np.repeat(np.tile([False, True], spans), lengths)
        return masked


def _segments(total: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the lengths of random segments, each at least 1."""
    cuts = np.sort(random.choice(total - 1, count - 1, replace=False)) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))


def _padded(rows: Sequence[NDArray[np.int64]], value: int) -> torch.Tensor:
    width = max(map(len, rows))
    filled = [np.pad(row, (0, width - len(row)), constant_values=value) for row in rows]
    return torch.from_numpy(np.stack(filled))
