"""on2vec: add entities to the pooled text."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kgbert.models.config import KGBertConfig
from kgbert.models.layers.injection import Injection, KnowledgeContext
from kgbert.models.layers.knowledge_attention import ZeroLinear


def pooled_injections(config: KGBertConfig, pools: bool) -> list[Injection]:
    """Return one injection, after the pooling."""
    fusion = PooledFusion(config)
    blocks = config.backbone.num_hidden_layers
    return [Injection("pooled", blocks, fusion, place="pooled")]


class PooledFusion(nn.Module):
    """Add the mean of the entities of a text to the state that its task head reads.

    on2vec (the package's OntologyFusionModule, its default "concat") concatenates the vector of a
    sentence and the mean vector of some entities, computed by a graph network. Same as the
    original: late fusion, entities weighted by their scores, and the graph network. A head computes
    ``W [t; e]`` of the concatenation, which is ``W_t t + W_e e``, so ``W_e e`` is added here,
    starting at zero. Different: the entities are the linked ones instead of the three nearest to
    the whole sentence, and the graph network and the fusion are trained with the task, which can
    only be an advantage.
    """

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__()
        self.output = ZeroLinear(config.knowledge_size, config.backbone.hidden_size, bias=False)
        self.dropout = nn.Dropout(config.knowledge_dropout)

    def forward(
        self, states: Float[Tensor, "batch tokens hidden"], current: KnowledgeContext
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the states with the entities added at the position that the task head reads."""
        if current.entities is None or current.links is None:
            return states
        links = current.links
        weights = links.scores.exp() * links.start_at(current.read_index)
        rows = links.batch_index[links.query_index]
        total = weights.new_zeros(len(states)).index_add(0, rows, weights).clamp(min=1e-6)
        shares = (weights / total[rows]).unsqueeze(1).to(current.entities.dtype)
        mean = current.entities.new_zeros(len(states), current.entities.shape[1]).index_add(
            0, rows, shares * current.entities[links.node_index]
        )
        update = self.dropout(self.output(mean)).to(states.dtype)
        texts = torch.arange(len(states), device=states.device)
        return states.index_put((texts, current.read_index), update, accumulate=True)
