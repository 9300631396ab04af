"""Predict edges of the graph from the vectors of their ends."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from kgbert.models.config import KGBertConfig
from kgbert.models.layers.graph_encoder import GraphEncoder
from kgbert.models.layers.initialization import init_module_weights


class EdgeTargets(NamedTuple):
    """Edges that are hidden from message passing, and the senders that they are compared with."""

    target_edges: Int[Tensor, "edges 3"]
    """Sender and receiver as indices of nodes, and the relation."""
    target_negatives: Int[Tensor, "edges negatives"]
    """Other nodes; -1 for the receiver, and for those that have the same edge to it."""


class TripleScorer(nn.Module):
    """Scores edges by their relation and the vectors of their ends.

    ``score(s, r, o) = sum_i s_i (1 + w_ri) o_i / sqrt(size)``, DistMult (Yang et al. 2015,
    arXiv:1412.6575) around the inner product. Both directions of a relation have a vector of their
    own.
    """

    def __init__(self, size: int, relations: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(max(1, 2 * relations), size)
        nn.init.normal_(self.relation.weight, std=0.1)

    def forward(
        self, vectors: Float[Tensor, "nodes size"], targets: EdgeTargets
    ) -> Float[Tensor, "edges choices"]:
        """Return the score of the true sender of each edge, followed by those of the others."""
        senders, receivers, relations = targets.target_edges.unbind(1)
        choices = torch.cat([senders.unsqueeze(1), targets.target_negatives], 1)
        queries = vectors[receivers] * (1 + self.relation(relations)).to(vectors.dtype)
        scores = torch.einsum("es,ecs->ec", queries, vectors[choices.clamp(min=0)])
        scaled: Tensor = scores.float() / vectors.shape[1] ** 0.5
        return scaled.masked_fill(choices < 0, -torch.inf)


def link_prediction_losses(scores: Float[Tensor, "edges choices"]) -> Float[Tensor, " edges"]:
    """Return the cross-entropy of each edge, whose true sender is the first choice."""
    return -nn.functional.log_softmax(scores, 1)[:, 0]


class LinkPredictor(PreTrainedModel):
    """A graph encoder without a text model, which predicts edges."""

    config_class = KGBertConfig

    def __init__(self, config: KGBertConfig) -> None:
        super().__init__(config)
        self.graph_encoder = GraphEncoder(
            config.graph_encoder,
            config.graph_layers,
            features=config.feature_size,
            size=config.knowledge_size,
            relations=len(config.relations),
            dropout=config.knowledge_dropout,
        )
        self.triple_scorer = TripleScorer(config.knowledge_size, len(config.relations))
        self.post_init()

    def forward(
        self,
        node_features: Float[Tensor, "nodes features"],
        edge_index: Int[Tensor, "2 edges"],
        edge_types: Int[Tensor, " edges"],
        hop_sizes: list[tuple[int, int]],
        **targets: Tensor,
    ) -> Float[Tensor, "targets choices"]:
        """Return the scores of target edges between the first nodes.

        Args:
            node_features: Feature vectors of the sampled nodes.
            edge_index: Senders and receivers of the edges that are not hidden.
            edge_types: Their relations.
            hop_sizes: Nodes and edges of each hop.
            **targets: The fields of :class:`EdgeTargets`.
        """
        vectors = self.graph_encoder(node_features, edge_index, edge_types, hop_sizes)
        scores: Tensor = self.triple_scorer(vectors, EdgeTargets(**targets))
        return scores

    def _init_weights(self, module: nn.Module) -> None:
        init_module_weights(module)


def pop_edge_targets(inputs: dict[str, Any]) -> EdgeTargets | None:
    """Remove the target edges from a forward call's arguments, and return them."""
    values = [inputs.pop(name, None) for name in EdgeTargets._fields]
    return None if values[0] is None else EdgeTargets(*values)
