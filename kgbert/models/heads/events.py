"""Find the triggers of events, and score the arguments of each."""

from dataclasses import dataclass
from typing import Any, NamedTuple, no_type_check

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.utils.generic import ModelOutput

from kgbert.data.class_names import labels_of
from kgbert.data.tags import NO_ARGUMENT, decode_tags
from kgbert.models.heads.encoder import EncoderWithHead
from kgbert.models.heads.span_pairs import (
    SpanPairScorer,
    pool_spans,
    pop_span_inputs,
    threshold_loss,
)

#: Upper limits of the distance of a trigger and an argument in words; the last bucket has none.
WORD_DISTANCES = (0, 1, 2, 4, 7, 12, 20, 40, 80)


class WordRanges(NamedTuple):
    """First word and end of spans of a unit, padded with zeros, shape (units, spans, 2)."""

    triggers: Int[Tensor, "units triggers 2"]
    spans: Int[Tensor, "units spans 2"]


@no_type_check  # the tests' checks of types: transformers builds an output from a dict, too
@dataclass
class EventOutput(ModelOutput):
    """The output of an event extractor."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    """The tags of the words, shape (units, words, tags)."""
    trigger_words: Tensor | None = None
    """First word and end of each trigger, shape (units, triggers, 2); zeros for padding."""
    argument_logits: Tensor | None = None
    """Shape (units, triggers, triggers + spans, 1 + roles), "no argument" first."""
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


def labels_by_part(config: PreTrainedConfig) -> tuple[list[str], list[str]]:
    """Return the tags of the words, and the roles of arguments after :data:`NO_ARGUMENT`."""
    names = labels_of(config)
    place = names.index(NO_ARGUMENT) if NO_ARGUMENT in names else len(names) - 1
    return names[:place], names[place:]


class EventExtractor(EncoderWithHead):
    """An encoder that tags the words of triggers, and scores pairs of triggers and arguments.

    The arguments of a batch are the words of each unit, and after them its spans. A trigger is the
    mean of its words. Its possible arguments are the spans and all other triggers, which stand for
    their events. Without given triggers the predicted ones are used.
    """

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        tags, roles = labels_by_part(config)
        self.trigger = nn.Linear(config.hidden_size, max(1, len(tags)))
        self.argument = SpanPairScorer(config.hidden_size, max(1, len(roles)), self.dropout.p)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        word_counts: list[int] | None = None,
        span_words: Tensor | None = None,
        trigger_words: Tensor | None = None,
        argument_labels: Tensor | None = None,
        **inputs: Any,
    ) -> EventOutput:
        """Return the logits of tags and arguments.

        Args:
            input_ids: Shape (rows, tokens); a unit has a row for each of its windows.
            attention_mask: Shape (rows, tokens), 1 where there is a token.
            labels: The tags of the words, shape (units, words); -100 for padding.
            word_counts: Number of words of each unit.
            span_words: First word and end of each span, shape (units, spans, 2).
            trigger_words: The same of the triggers; None for those that the model predicts.
            argument_labels: Shape (units, triggers, triggers + spans, 1 + roles), as for
                :func:`kgbert.models.heads.span_pairs.threshold_loss`.
            **inputs: The fields of :class:`kgbert.models.heads.span_pairs.SpanInputs`, and other
                inputs of the encoder.

        Raises:
            KGBertError: The batch has no words and spans.
        """
        arguments = pop_span_inputs(inputs)
        output = self.base_model(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        pooled = self.dropout(pool_spans(output.last_hidden_state, arguments))
        assert word_counts is not None
        assert span_words is not None
        words, spans = _words_and_spans(pooled, word_counts, span_words)
        logits = self.trigger(words)
        if trigger_words is None:
            trigger_words = self._predicted_triggers(logits, word_counts)
        triggers = _mean_of_words(words, trigger_words)
        scores = self.argument.table(triggers, torch.cat([triggers, spans], 1))
        buckets = _buckets(trigger_words, torch.cat([trigger_words, span_words], 1))
        scores = scores + self.argument.distance(buckets)
        loss = None
        if labels is not None and argument_labels is not None:
            loss = _loss(logits, labels) + threshold_loss(
                scores.flatten(1, 2), argument_labels.flatten(1, 2)
            )
        return EventOutput(
            loss=loss,
            logits=logits,
            trigger_words=trigger_words,
            argument_logits=scores,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def _predicted_triggers(self, logits: Tensor, word_counts: list[int]) -> Tensor:
        """Return first word and end of each trigger that the tags describe."""
        tags, _ = labels_by_part(self.config)
        rows = [
            [(first, end) for first, end, _ in decode_tags([tags[x] for x in row[:count]])]
            for row, count in zip(logits.argmax(-1).tolist(), word_counts, strict=True)
        ]
        width = max(map(len, rows), default=0)
        padded = [row + [(0, 0)] * (width - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.int64, device=logits.device).reshape(
            len(rows), width, 2
        )


def _words_and_spans(
    pooled: Float[Tensor, "units arguments hidden"], word_counts: list[int], span_words: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the vectors of words and spans, which follow the words of their unit."""
    width, slots = max(word_counts), span_words.shape[1]
    counts = torch.tensor(word_counts, device=pooled.device).unsqueeze(1)
    places = counts + torch.arange(slots, device=pooled.device)
    # Places of padding are those of any argument; nothing reads them.
    places = places.clamp(max=max(0, pooled.shape[1] - 1)).unsqueeze(-1)
    return pooled[:, :width], pooled.gather(1, places.expand(-1, -1, pooled.shape[-1]))


def _mean_of_words(
    words: Float[Tensor, "units words hidden"], ranges: Int[Tensor, "units triggers 2"]
) -> Float[Tensor, "units triggers hidden"]:
    places = torch.arange(words.shape[1], device=words.device)
    inside = (places >= ranges[..., :1]) & (places < ranges[..., 1:])
    weights = inside.to(words.dtype)
    return weights @ words / weights.sum(-1, keepdim=True).clamp(min=1)


def _buckets(
    heads: Int[Tensor, "units heads 2"], tails: Int[Tensor, "units tails 2"]
) -> Int[Tensor, "units heads tails"]:
    """Return the bucket of the distance in words of each head and tail."""
    first, second = heads.unsqueeze(2), tails.unsqueeze(1)
    after, before = second[..., 0] - first[..., 1], first[..., 0] - second[..., 1]
    gaps = torch.maximum(after, before).clamp(min=0)
    limits = torch.tensor(WORD_DISTANCES, device=heads.device)
    comes_later = (first[..., 0] > second[..., 0]).long()
    return torch.bucketize(gaps, limits) + comes_later * (len(WORD_DISTANCES) + 1)


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the tags, zero if no word of the batch has a label."""
    total = nn.functional.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), reduction="sum"
    )
    return total / (labels >= 0).sum().clamp(min=1)
