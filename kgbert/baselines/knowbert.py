"""KnowBert: after one block, words attend to the linked mentions of their text."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, KnowledgeContext
from kgbert.models.layers.knowledge_attention import ZeroLinear
from kgbert.models.layers.mention_spans import Spans
from kgbert.models.layers.multihead import MultiHeadAttention


def knowbert_injections(config: KGBertConfig, pools: bool) -> list[Injection]:
    """Return one injection, after the second to last injected block."""
    layer = sorted(config.injected_layers)[-2:][0]
    attention = KnowledgeRecontextualization(config)
    return [Injection(f"layer_{layer}", layer, attention)]


class KnowledgeRecontextualization(nn.Module):
    """Pool mentions, link them, and let every word of the text attend to them.

    KnowBert (Peters et al. 2019, arXiv:1909.04164). With ``h`` the words, ``e`` the candidates::

        p = W_1 h                                  to the size of the entities
        s = LayerNorm(self-attentive pooling of p over the mention), then a transformer block
            over the mentions of the text
        a = softmax over the candidates and a null entity of MLP(s e / sqrt(d), prior of e)
        s = LayerNorm(s + sum of a e)
        p = a transformer block with the words as queries and the mentions as keys and values
        h = h + W_2 p

    Same as the original: these equations; frozen entity vectors; the scores of the linker as the
    prior; one injection, after the second to last block (as in KnowBert-WordNet); all words of a
    text with a mention attend, not only those of the mention. Different: there is no pretraining
    and no supervision of the linker, which learns from the task only. ``W_2`` starts at zero
    instead of the inverse of ``W_1``, without a normalisation after it, so that training starts
    from the plain encoder and texts without mentions are unchanged. The null entity has its own
    vector and score.
    """

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__()
        size, heads, dropout = (
            config.feature_size,
            config.knowledge_heads,
            config.knowledge_dropout,
        )
        self.project = nn.Linear(config.encoder_config.hidden_size, size)
        self.pooling = nn.Linear(size, 1)
        self.span_norm = nn.LayerNorm(size)
        self.span_block = TransformerBlock(size, heads, dropout)
        self.entity_norm = nn.LayerNorm(size)
        self.linker = nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 1))
        self.null_entity = nn.Embedding(1, size)
        self.null_score = nn.Linear(size, 1)
        self.linked_norm = nn.LayerNorm(size)
        self.word_block = TransformerBlock(size, heads, dropout)
        self.output = ZeroLinear(size, config.encoder_config.hidden_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, states: Float[Tensor, "batch tokens hidden"], current: KnowledgeContext
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the states of a block plus the output of the attention to the mentions."""
        if current.entities is None or current.links is None or not len(current.links.query_index):
            return states
        spans = current.mentions(states.shape[1])
        words = self.project(states)
        mentions = self.span_norm(self._pooled(words, spans))
        mentions = self.span_block(mentions, mentions, spans.together())
        linked = self.linked_norm(mentions + self.dropout(self._entity(mentions, spans, current)))
        rows = torch.arange(len(states), device=states.device).repeat_interleave(states.shape[1])
        visible = rows.unsqueeze(1) == spans.rows
        read = self.word_block(words.flatten(0, 1), linked, visible)
        update = self.dropout(self.output(read)).to(states.dtype) * visible.any(1, keepdim=True)
        changed: Tensor = states + update.view_as(states)
        return changed

    def _pooled(self, words: Tensor, spans: Spans) -> Float[Tensor, "spans size"]:
        """Return the self-attentive pooling of the words of each mention."""
        members = words[spans.token_rows, spans.tokens]
        weights = _softmax(self.pooling(members).squeeze(1), spans.token_spans, len(spans.rows))
        empty = members.new_zeros(len(spans.rows), members.shape[1])
        return empty.index_add(
            0, spans.token_spans, weights.unsqueeze(1).to(members.dtype) * members
        )

    def _entity(
        self, mentions: Tensor, spans: Spans, current: KnowledgeContext
    ) -> Float[Tensor, "spans size"]:
        """Return the mean of the candidates of each mention and null, weighted by the linker."""
        assert current.entities is not None
        candidates = self.entity_norm(current.entities)[spans.nodes]
        match = (mentions[spans.candidate_spans] * candidates).sum(1) * candidates.shape[1] ** -0.5
        evidence = torch.stack([match, spans.scores.exp().to(match.dtype)], 1)
        score = self.linker(evidence).squeeze(1).masked_fill(spans.scores.isneginf(), -torch.inf)
        nulls = torch.arange(len(mentions), device=mentions.device)
        weights = _softmax(
            torch.cat([score, self.null_score(mentions).squeeze(1)]),
            torch.cat([spans.candidate_spans, nulls]),
            len(mentions),
        )
        vectors = torch.cat([candidates, self.null_entity.weight.expand(len(mentions), -1)])
        owners = torch.cat([spans.candidate_spans, nulls])
        weighted = weights.unsqueeze(1) * vectors
        return torch.zeros_like(mentions).index_add(0, owners, weighted.to(mentions.dtype))


class TransformerBlock(nn.Module):
    """Attention and a feed-forward part with residuals and post-normalisation, as in BERT."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(size, size, heads)
        self.attention_norm = nn.LayerNorm(size)
        self.wide, self.narrow = nn.Linear(size, 2 * size), nn.Linear(2 * size, size)
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor, visible: Tensor) -> Tensor:
        """Return the queries, updated by attention to the visible memory."""
        context = self.attention(queries, memory, visible)
        x = self.attention_norm(queries + self.dropout(context))
        update: Tensor = self.dropout(self.narrow(nn.functional.gelu(self.wide(x))))
        changed: Tensor = self.norm(x + update)
        return changed


def _softmax(scores: Tensor, groups: Tensor, count: int) -> Tensor:
    """Return the softmax of scores within each group; each has at least one finite score."""
    scores = scores.float()
    largest = scores.new_full((count,), -torch.inf).scatter_reduce(
        0, groups, scores.detach(), "amax"
    )
    unnormalised = torch.exp(scores - largest[groups])
    total = unnormalised.new_zeros(count).index_add(0, groups, unnormalised)
    return unnormalised / total[groups]
