"""The way of ERNIE: entities are fused into the feed-forward part of the tokens they belong to."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch_geometric.nn.kge import TransE

from kgbert.features.entity_features import EntityFeatures, load_cached, save_cached
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, KnowledgeContext
from kgbert.models.layers.knowledge_attention import ZeroLinear
from kgbert.models.layers.mention_spans import Spans, top_nodes
from kgbert.models.layers.multihead import MultiHeadAttention

#: Length of a vector, as in ERNIE.
SIZE = 100

#: How the vectors are trained, part of the name under which they are kept: this often through all
#: edges, and in this many steps at least.
EPOCHS, STEPS, BATCH, RATE, SEED = 20, 1500, 2048, 0.01, 0


def transe_vectors(
    graph: KnowledgeGraph, *, cache: str | Path | None = "~/.cache/kgbert/features"
) -> EntityFeatures:
    """Return one vector an entity such that ``head + relation`` lies near ``tail``.

    TransE (Bordes et al. 2013) with a margin against edges whose head or tail was drawn at random.
    An entity without edges has a vector that says nothing.

    Args:
        graph: Only its edges are read.
        cache: Folder where vectors are kept by graph and settings; None trains anew.
    """
    key = f"TransE {SIZE} {EPOCHS} {STEPS} {BATCH} {RATE} {SEED} {graph.hash}"
    name = f"transe-{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
    cache_file = None if cache is None else Path(cache).expanduser() / name
    if cache_file is not None and (cached := load_cached(cache_file)) is not None:
        return cached
    settings = hashlib.sha256(key.encode()).hexdigest()
    features = EntityFeatures(_trained(graph).astype(np.float16), "TransE", settings, graph.hash)
    if cache_file is not None:
        save_cached(features, cache_file)
    return features


def _trained(graph: KnowledgeGraph) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    edges = torch.from_numpy(np.stack([graph.heads, graph.relations, graph.tails]).astype(np.int64))
    # What else of a run draws random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = TransE(len(graph), max(1, len(graph.relation_ids)), SIZE, sparse=True)
        optimiser = torch.optim.SparseAdam(list(model.parameters()), RATE)
        batches = math.ceil(edges.shape[1] / BATCH)
        for _ in range(max(EPOCHS, math.ceil(STEPS / batches)) if batches else 0):
            for batch in torch.randperm(edges.shape[1]).split(BATCH):
                optimiser.zero_grad()
                model.loss(*edges[:, batch]).backward()
                optimiser.step()
        weight = torch.nn.functional.normalize(model.node_emb.weight.detach(), dim=-1)
    # As long as other features are: a unit a component in the mean.
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = (weight * SIZE**0.5).numpy()
    return vectors


def ernie_injections(config: KGBertConfig, pools: bool) -> list[Injection]:
    """Return a fusion in each of the injected blocks."""
    names = {layer: f"layer_{layer}" for layer in sorted(config.injected_layers)}
    found = []
    for layer, before in zip(names, [None, *names.values()], strict=False):
        is_last = layer == max(names)
        fusion = EntityFusion(config, before, None if is_last else names[layer])
        found.append(Injection(names[layer], layer, fusion, place="feed forward"))
    return found


class EntityFusion(nn.Module):
    """Fuse the entity of each mention into the state of its first token, and the other way.

    ERNIE (Zhang et al. 2019, arXiv:1905.07129). In each of the upper blocks, for a mention with
    first token ``w`` and entity ``e``::

        e = LayerNorm(e + attention of the text's entities to each other)
        h = gelu(W_t w + b + W_e e)           the block's own feed-forward part, e added
        w = LayerNorm(w + W h)                the block's own
        e = LayerNorm(e + U h)

    Kept: all of that, TransE vectors of 100 numbers as the first ``e``, four heads, the alignment
    with the first token. Left out: the pretraining on Wikipedia with entities to be guessed (here
    ``W_e`` starts at zero instead, so that training starts from the plain encoder), the markers
    that the original puts around mentions of relation and typing tasks, and several candidates:
    the best one counts.
    """

    def __init__(self, config: KGBertConfig, before: str | None, after: str | None) -> None:
        """Make the fusion of one block.

        Args:
            config: Says how large everything is.
            before: Where the block before left the entities; None in the first.
            after: Where this one leaves them; None in the last, behind which nothing reads them.
        """
        super().__init__()
        size, wide = config.feature_size, _width(config)
        self.before, self.after = before, after
        self.attention = MultiHeadAttention(size, size, config.knowledge_heads)
        self.attention_norm = nn.LayerNorm(size)
        self.into_token = ZeroLinear(size, wide, bias=False)
        if after is not None:
            self.from_token = nn.Linear(wide, size)
            self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(config.knowledge_dropout)

    def forward(
        self, states: Float[Tensor, "batch tokens hidden"], current: KnowledgeContext
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return a block's widened states, before their activation, with the entities added."""
        if current.entities is None or current.links is None or not len(current.links.query_index):
            return states
        spans = current.mentions(states.shape[1])
        nodes, known = top_nodes(spans)
        # Under a name for each block: one that is recomputed must find what it found before.
        entities = current.entity_states[self.before] if self.before else current.entities[nodes]
        read = self.attention(entities, entities, _visible(spans, known))
        entities = self.attention_norm(entities + self.dropout(read))
        added = self.into_token(entities).to(states.dtype) * known.unsqueeze(1)
        states = states.index_put((spans.rows, spans.first), added, accumulate=True)
        if self.after is not None:
            seen = nn.functional.gelu(states[spans.rows, spans.first])
            entities = self.norm(entities + self.dropout(self.from_token(seen)))
            current.entity_states[self.after] = entities
        return states


def _visible(spans: Spans, known: Bool[Tensor, " spans"]) -> Bool[Tensor, "spans spans"]:
    """Return which entities see each other; one whose link is hidden is seen by itself alone."""
    alone = torch.eye(len(known), dtype=torch.bool, device=known.device)
    return spans.together() & known | alone


def _width(config: KGBertConfig) -> int:
    """Return how wide a block's feed-forward part is, whatever the family calls it."""
    backbone = config.backbone
    names = ("intermediate_size", "hidden_dim", "d_inner")
    return int(next(getattr(backbone, name) for name in names if hasattr(backbone, name)))
