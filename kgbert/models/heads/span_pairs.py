"""Score pairs of spans of a text: for relation extraction, and for the arguments of events."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from kgbert.encoding.spans.span_groups import DISTANCE_BUCKETS
from kgbert.models.heads.encoder import EncoderWithHead
from kgbert.utils.errors import KGBertError

#: Size of the vectors of the first and the second span of a pair.
PAIR_SIZE = 128


class SpanInputs(NamedTuple):
    """The spans and pairs of a batch: the output of ``kgbert.encoding.spans.span_groups``.

    The field names are keyword arguments of ``forward``.
    """

    span_token_index: Int[Tensor, " places"]
    """The token of each place in a mention, counted over all rows of the batch."""
    span_mention_index: Int[Tensor, " places"]
    """The mention of each place."""
    mention_argument_index: Int[Tensor, " mentions"]
    """The argument of each mention, counted over all units with padding."""
    pair_index: Int[Tensor, "units pairs 2"]
    """The two arguments of each pair, counted in their unit."""
    pair_distances: Int[Tensor, "units pairs"]
    """Bucket of the distance of each pair."""
    argument_slots: int
    """Number of arguments of a unit, with padding."""


def pop_span_inputs(inputs: dict[str, Any]) -> SpanInputs:
    """Remove the spans from a forward call's keyword arguments, and return them.

    Raises:
        KGBertError: The batch has no spans.
    """
    values = {name: inputs.pop(name, None) for name in SpanInputs._fields}
    if any(value is None for value in values.values()):
        raise KGBertError(
            "this model scores pairs of spans, but the batch brings none. Make batches with "
            "kgbert.pipeline, or with the methods encode and collate of the task.",
            code="batch-without-spans",
        )
    return SpanInputs(**values)


def pool_spans(
    states: Float[Tensor, "rows tokens hidden"], spans: SpanInputs
) -> Float[Tensor, "units arguments hidden"]:
    """Return a vector for each argument: the log-sum-exp over its mentions of their mean states.

    Log-sum-exp pooling over mentions follows Jia et al. 2019 and ATLOP (Zhou et al. 2021,
    arXiv:2010.11304); for a single mention it is the identity.
    """
    units, slots = spans.pair_index.shape[0], spans.argument_slots
    flat = states.flatten(0, 1)
    mentions = spans.mention_argument_index.shape[0]
    places = flat[spans.span_token_index].float()
    sums = places.new_zeros(mentions, flat.shape[-1]).index_add(0, spans.span_mention_index, places)
    counts = places.new_zeros(mentions).index_add(
        0, spans.span_mention_index, places.new_ones(places.shape[0])
    )
    means = sums / counts.clamp(min=1).unsqueeze(-1)
    owners = spans.mention_argument_index
    # Subtracted before the exponential, because some encoders have states in the thousands.
    maxima = means.new_zeros(units * slots, means.shape[-1]).scatter_reduce(
        0, owners.unsqueeze(-1).expand_as(means), means.detach(), "amax", include_self=False
    )
    shifted = (means - maxima[owners]).exp()
    totals = torch.zeros_like(maxima).index_add(0, owners, shifted)
    has_mention = totals > 0
    pooled = torch.where(has_mention, totals, 1).log() + maxima
    return pooled.to(states.dtype).reshape(units, slots, states.shape[-1])


class SpanPairScorer(nn.Module):
    """Scores each label of each pair of arguments.

    ``s_l(i, j) = h_i' U_l t_j + v_l [h_i; t_j] + b_l + d_l(distance)``, ``h_i = gelu(W x_i + a)``
    with the vector ``x_i`` of an argument, and ``t_j`` alike: the biaffine scorer of Dozat and
    Manning 2017 (arXiv:1611.01734), with a bias for the distance of the two arguments. The states
    of a text serve all of its pairs.
    """

    def __init__(self, hidden: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.labels = labels
        self.head, self.tail = nn.Linear(hidden, PAIR_SIZE), nn.Linear(hidden, PAIR_SIZE)
        self.bilinear = nn.Linear(PAIR_SIZE, labels * PAIR_SIZE, bias=False)
        self.head_score, self.tail_score = (
            nn.Linear(PAIR_SIZE, labels),
            nn.Linear(PAIR_SIZE, labels),
        )
        self.distance = nn.Embedding(DISTANCE_BUCKETS, labels)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        arguments: Float[Tensor, "units arguments hidden"],
        pairs: Int[Tensor, "units pairs 2"],
        distances: Int[Tensor, "units pairs"],
    ) -> Float[Tensor, "units pairs labels"]:
        """Return the scores of the labels of each pair."""
        scores = self.table(arguments, arguments)
        units = torch.arange(pairs.shape[0], device=pairs.device).unsqueeze(1)
        of_pairs: Tensor = scores[units, pairs[..., 0], pairs[..., 1]]
        of_distances: Tensor = self.distance(distances)
        return of_pairs + of_distances

    def table(
        self,
        heads: Float[Tensor, "units heads hidden"],
        tails: Float[Tensor, "units tails hidden"],
    ) -> Float[Tensor, "units heads tails labels"]:
        """Return the scores of each head with each tail, without a bias for the distance."""
        first = self.dropout(nn.functional.gelu(self.head(heads)))
        second = self.dropout(nn.functional.gelu(self.tail(tails)))
        projected = self.bilinear(first).unflatten(-1, (self.labels, -1))
        scores = torch.einsum("uhle,ute->uhtl", projected, second)
        both: Tensor = self.head_score(first).unsqueeze(2) + self.tail_score(second).unsqueeze(1)
        return scores + both


def threshold_loss(
    logits: Float[Tensor, "units pairs labels"], labels: Int[Tensor, "units pairs labels"]
) -> Float[Tensor, ""]:
    """Return a loss by which the logit of "none" separates the labels of a pair from all others.

    A pair may have any number of labels. As in ATLOP (arXiv:2010.11304), "none" competes with all
    labels that the pair lacks; here each of its own labels competes with "none" alone, so that
    several of them do not compete with each other.

    Args:
        logits: The logits, "none" first.
        labels: 1 for each label of a pair. The first is 1 for a pair that counts.
    """
    counted = labels[..., 0] == 1
    logits, positive = logits[counted].float(), labels[counted].bool()
    if not len(logits):
        # Keeps the graph of gradients, which distributed training waits for.
        return logits.sum() * 0
    positive[:, 0] = False
    lowest = torch.finfo(logits.dtype).min
    none_against_others = -logits.masked_fill(positive, lowest).log_softmax(-1)[:, 0]
    against_none = -nn.functional.logsigmoid(logits - logits[:, :1])
    return (none_against_others + (against_none * positive).sum(-1)).mean()


class RelationExtractor(EncoderWithHead):
    """An encoder with a scorer of the relation of each pair of arguments of a text."""

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        labels = len(config.id2label or {})
        self.relation = SpanPairScorer(config.hidden_size, labels, self.dropout.p)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits of the pairs of each unit, shape (units, pairs, labels).

        Args:
            input_ids: Shape (rows, tokens); a unit has a row for each of its windows.
            attention_mask: Shape (rows, tokens), 1 where there is a token.
            labels: Shape (units, pairs, labels), as for :func:`threshold_loss`.
            **inputs: The fields of :class:`SpanInputs`, and other inputs of the encoder.

        Raises:
            KGBertError: The batch has no spans.
        """
        spans = pop_span_inputs(inputs)
        output = self.base_model(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        arguments = self.dropout(pool_spans(output.last_hidden_state, spans))
        logits = self.relation(arguments, spans.pair_index, spans.pair_distances)
        return SequenceClassifierOutput(
            loss=None if labels is None else threshold_loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
