"""ERNIE: fuse entities into the feed-forward part of the tokens that mention them."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch_geometric.nn.kge import TransE

from kgbert.features.cache import load_cached, save_cached
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, KnowledgeContext
from kgbert.models.layers.knowledge_attention import ZeroLinear
from kgbert.models.layers.mention_spans import Spans, top_nodes
from kgbert.models.layers.multihead import MultiHeadAttention
from kgbert.utils.paths import FEATURE_CACHE

#: Length of a vector, as in ERNIE.
SIZE = 100

#: Settings of the training of the vectors, which are part of the cache key: at least this many
#: epochs and this many steps.
EPOCHS, STEPS, BATCH, RATE, SEED = 20, 1500, 2048, 0.01, 0


def transe_vectors(
    graph: KnowledgeGraph, *, cache: str | Path | None = FEATURE_CACHE
) -> EntityFeatures:
    """Return one vector an entity such that ``head + relation`` is close to ``tail``.

    TransE (Bordes et al. 2013) with a margin loss against edges with a random head or tail. The
    vector of an entity without edges is random.

    Args:
        graph: Only its edges are read.
        cache: Folder of vectors cached by graph and settings; None disables the cache.
    """
    key = f"TransE {SIZE} {EPOCHS} {STEPS} {BATCH} {RATE} {SEED} {graph.hash}"
    name = f"transe-{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
    cache_file = None if cache is None else Path(cache).expanduser() / name
    if (
        cache_file is not None
        and (cached := load_cached(cache_file, EntityFeatures.load)) is not None
    ):
        return cached
    settings = hashlib.sha256(key.encode()).hexdigest()
    features = EntityFeatures(_trained(graph).astype(np.float16), "TransE", settings, graph.hash)
    if cache_file is not None:
        save_cached(features.save, cache_file)
    return features


def _trained(graph: KnowledgeGraph) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    edges = torch.from_numpy(np.stack([graph.heads, graph.relations, graph.tails]).astype(np.int64))
    # Forked, so that the random numbers of the rest of the run do not change.
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
    # The same length as other features, sqrt(size).
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = (weight * SIZE**0.5).numpy()
    return vectors


def ernie_injections(config: KGBertConfig, pools: bool) -> list[Injection]:
    """Return one fusion for each injected block."""
    names = {layer: f"layer_{layer}" for layer in sorted(config.injected_layers)}
    injections = []
    for layer, before in zip(names, [None, *names.values()], strict=False):
        is_last = layer == max(names)
        fusion = EntityFusion(config, before, None if is_last else names[layer])
        injections.append(Injection(names[layer], layer, fusion, place="feed forward"))
    return injections


class EntityFusion(nn.Module):
    """Fuse the entity of each mention and the state of its first token into each other.

    ERNIE (Zhang et al. 2019, arXiv:1905.07129). In each of the upper blocks, for a mention with
    first token ``w`` and entity ``e``::

        e = LayerNorm(e + self-attention over the entities of the text)
        h = gelu(W_t w + b + W_e e)           the block's own feed-forward part plus e
        w = LayerNorm(w + W h)                the block's own
        e = LayerNorm(e + U h)

    Same as the original: these equations, TransE vectors of size 100 as the initial ``e``, four
    heads, and the alignment with the first token. Different: there is no pretraining on Wikipedia
    with masked entities (``W_e`` starts at zero instead, so that training starts from the plain
    encoder), no markers around the mentions of relation and typing tasks, and only the best
    candidate of a mention is used.
    """

    def __init__(self, config: KGBertConfig, before: str | None, after: str | None) -> None:
        """Create the fusion of one block.

        Args:
            config: The sizes of all layers.
            before: Key of the entity states of the previous injected block; None in the first.
            after: Key of the entity states of this block; None in the last, whose entity states
                are not used.
        """
        super().__init__()
        size, wide = config.feature_size, _intermediate_size(config)
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
        """Return the intermediate states of a block, before their activation, plus the entities."""
        if current.entities is None or current.links is None or not len(current.links.query_index):
            return states
        spans = current.mentions(states.shape[1])
        nodes, known = top_nodes(spans)
        # One key for each block, because a recomputed block must read the same states again.
        entities = current.entity_states[self.before] if self.before else current.entities[nodes]
        read = self.attention(entities, entities, _visible(spans, known))
        entities = self.attention_norm(entities + self.dropout(read))
        added = self.into_token(entities).to(states.dtype) * known.unsqueeze(1)
        states = states.index_put((spans.rows, spans.first), added, accumulate=True)
        if self.after is not None:
            activations = nn.functional.gelu(states[spans.rows, spans.first])
            entities = self.norm(entities + self.dropout(self.from_token(activations)))
            current.entity_states[self.after] = entities
        return states


def _visible(spans: Spans, known: Bool[Tensor, " spans"]) -> Bool[Tensor, "spans spans"]:
    """Return the attention mask of entities; one with a hidden link only attends to itself."""
    alone = torch.eye(len(known), dtype=torch.bool, device=known.device)
    return spans.together() & known | alone


def _intermediate_size(config: KGBertConfig) -> int:
    """Return the intermediate size of a backbone, whose field differs between families."""
    backbone = config.backbone
    names = ("intermediate_size", "hidden_dim", "d_inner")
    return int(next(getattr(backbone, name) for name in names if hasattr(backbone, name)))
