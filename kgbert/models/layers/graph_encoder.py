"""Graph encoders: from the features of a sampled subgraph to entity vectors."""

from collections.abc import Callable
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv, RGCNConv

from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER, AlignedLinear
from kgbert.utils.registry import GRAPH_ENCODERS_GROUP, lookup, register_object

#: Creates a layer from the size of a vector and the number of relations in both directions.
LayerFactory = Callable[[int, int], nn.Module]

#: The inputs of a layer: all nodes as senders, and the first of them as receivers.
Sides = tuple[Float[Tensor, "nodes size"], Float[Tensor, "receivers size"]]


class CompositionLayer(nn.Module):
    r"""Mean of the neighbour vectors, each composed with its relation.

    ``x_v' = W_self x_v + W_message mean over (u, r) of (x_u * z_r)``, after CompGCN
    (Vashishth et al. 2020, arXiv:1911.03082) with multiplication as the composition. It needs one
    vector a relation, where R-GCN needs a matrix, and is some twenty times faster.
    """

    def __init__(self, size: int, relations: int) -> None:
        super().__init__()
        self.relation = nn.Embedding(relations, size)
        self.itself = nn.Linear(size, size)
        self.message = nn.Linear(size, size, bias=False)

    def forward(
        self,
        nodes: Sides,
        edge_index: Int[Tensor, "2 edges"],
        edge_types: Int[Tensor, " edges"],
    ) -> Float[Tensor, "receivers size"]:
        """Return the updated vectors of the receivers."""
        sending, receiving = nodes
        senders, receivers = edge_index
        factors = (1 + self.relation.weight).to(sending.dtype)
        composed = sending.index_select(0, senders) * nn.functional.embedding(edge_types, factors)
        total = torch.zeros_like(receiving).index_add(0, receivers, composed)
        ones = receiving.new_ones(len(receivers))
        degree = receiving.new_zeros(len(receiving)).index_add(0, receivers, ones)
        mean = total / degree.clamp(min=1).unsqueeze(1)
        updated: Tensor = self.itself(receiving) + self.message(mean)
        return updated


class AttentionLayer(nn.Module):
    """GATv2 (Brody et al. 2022, arXiv:2105.14491) with the relation as an edge feature."""

    def __init__(self, size: int, relations: int) -> None:
        super().__init__()
        heads = 4 if size % 4 == 0 else 1
        self.relation = nn.Embedding(relations, size)
        self.attention = GATv2Conv(
            size, size // heads, heads, edge_dim=size, add_self_loops=False, residual=True
        )

    def forward(
        self,
        nodes: Sides,
        edge_index: Int[Tensor, "2 edges"],
        edge_types: Int[Tensor, " edges"],
    ) -> Float[Tensor, "receivers size"]:
        """Return the updated vectors of the receivers."""
        relations = self.relation(edge_types).to(nodes[0].dtype)
        updated: Tensor = self.attention(nodes, edge_index, relations)
        return updated


def rgcn(size: int, relations: int) -> nn.Module:
    """Relational graph convolution (Schlichtkrull et al. 2018, arXiv:1703.06103)."""
    layer: nn.Module = RGCNConv(size, size, relations, num_bases=min(relations, 8))
    return layer


#: Layers that GraphEncoder can stack, each made from (size, relations) and called as
#: ``layer((senders, receivers), edge_index, edge_types)`` as in PyG; None is the control without
#: edges.
#: Packages add others under the entry point group ``kgbert.graph_encoders``.
ENCODERS: dict[str, LayerFactory | None] = {
    "compgcn": CompositionLayer,
    "gatv2": AttentionLayer,
    "rgcn": rgcn,
    "none": None,
}


def graph_encoder_name(encoder: str | LayerFactory) -> str:
    """Return the name of a graph encoder; an object is registered in this process by its name."""
    if isinstance(encoder, str):
        return encoder
    return register_object(ENCODERS, getattr(encoder, "__name__", ""), encoder, "graph encoder")


#: The update of an untrained layer is noise, so it starts small.
INITIAL_LAYER_SCALE = 0.1


class GraphEncoder(nn.Module):
    """Project node features, then refine them by relational message passing.

    Every layer is residual, with an update that is scaled by a learned factor and small at first
    (LayerScale, Touvron et al. 2021, arXiv:2103.17239), so that the features of an entity always
    reach the text model. There are no batch statistics: the vector of an entity depends on its
    neighbourhood only.
    """

    def __init__(
        self, kind: str, layers: int, *, features: int, size: int, relations: int, dropout: float
    ) -> None:
        super().__init__()
        layer = lookup(ENCODERS, kind, "graph encoder", GRAPH_ENCODERS_GROUP)
        self.project = AlignedLinear(features, size)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(layers))
        self.layers = nn.ModuleList(
            nn.Linear(size, size) if layer is None else layer(size, max(1, 2 * relations))
            for _ in range(layers)
        )
        self.layer_scale = nn.Parameter(torch.zeros(layers))
        self.edgeless = layer is None
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        features: Float[Tensor, "nodes features"],
        edge_index: Int[Tensor, "2 edges"],
        edge_types: Int[Tensor, " edges"],
        hop_sizes: list[tuple[int, int]] | None = None,
    ) -> Float[Tensor, "entities size"]:
        """Return one vector a node, or with ``hop_sizes`` only those of the first nodes.

        Args:
            features: Feature vectors of the sampled nodes, in any floating type.
            edge_index: Senders and receivers as indices of ``features``.
            edge_types: Relation of each edge.
            hop_sizes: Nodes and edges of each hop if they are in hop order. A layer then computes
                only the nodes that the layers above it read.
        """
        reach = self._reach(hop_sizes or [(len(features), len(edge_types))])
        nodes = self.project_features(features[: reach[0][0]])
        for layer, ((_, edges), (receivers, _)) in enumerate(pairwise(reach)):
            nodes = self.message_pass(
                layer, nodes, receivers, edge_index[:, :edges], edge_types[:edges]
            )
        vectors: Tensor = self.norm(nodes)
        return vectors

    def project_features(
        self, features: Float[Tensor, "nodes features"]
    ) -> Float[Tensor, "nodes size"]:
        """Return the projected features, the input of the first layer."""
        if not torch.is_autocast_enabled(features.device.type):
            features = features.to(self.project.weight.dtype)
        state: Tensor = self.project(features)
        return state

    def message_pass(
        self,
        layer: int,
        nodes: Float[Tensor, "nodes size"],
        receivers: int,
        edge_index: Int[Tensor, "2 edges"],
        edge_types: Int[Tensor, " edges"],
    ) -> Float[Tensor, "receivers size"]:
        """Return the state of the first ``receivers`` nodes after a layer."""
        senders = self.norms[layer](nodes)
        own = senders[:receivers]
        inputs = (own,) if self.edgeless else ((senders, own), edge_index, edge_types)
        update: Tensor = self.dropout(nn.functional.gelu(self.layers[layer](*inputs)))
        scale = INITIAL_LAYER_SCALE + GATE_LR_MULTIPLIER * self.layer_scale[layer]
        return nodes[:receivers] + (scale * update).to(nodes.dtype)

    def _reach(self, hop_sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the numbers of nodes and edges that each layer and the output read."""
        within = list(accumulate(hop_sizes, lambda a, b: (a[0] + b[0], a[1] + b[1])))
        hops = [0 if self.edgeless else above for above in range(len(self.layers), -1, -1)]
        return [within[min(hop, len(within) - 1)] for hop in hops]
