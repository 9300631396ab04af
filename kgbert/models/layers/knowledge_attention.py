"""The attention of tokens to the entities that they mention."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kgbert.utils.errors import KGBertError


class Links(NamedTuple):
    """Links between the positions and the nodes of a batch.

    A *position* is a linked token. The cost depends on the number of links, not on the number of
    tokens times entities.
    """

    batch_index: Int[Tensor, " positions"]
    """Text of each linked position."""
    token_index: Int[Tensor, " positions"]
    """Its token in that text."""
    query_index: Int[Tensor, " links"]
    """The position of each link."""
    node_index: Int[Tensor, " links"]
    """The node of each link in the subgraph."""
    scores: Float[Tensor, " links"]
    """Log of the score of the linker; minus infinity hides the link."""

    def start_at(self, token_index: Int[Tensor, " batch"]) -> Bool[Tensor, " links"]:
        """Return whether each link starts at the given token of its text.

        Args:
            token_index: The token of each text.
        """
        starts = self.token_index == token_index.index_select(0, self.batch_index)
        return starts.index_select(0, self.query_index)


class FoldedKeysValues(NamedTuple):
    """Keys and values of entities with the query and output projections folded in, for one head.

    With one head, ``q(h) k(e)`` is the product of ``h`` and a vector that depends on the entity
    only, and the output projection can be applied to the values. Both can be precomputed.
    """

    keys: Float[Tensor, "nodes query"]
    """One number longer than a token state; the last one is the product with the query bias."""
    values: Float[Tensor, "nodes hidden"]


class ZeroLinear(nn.Linear):
    """A linear layer that starts at zero, so that a residual branch starts as the identity.

    It has its own type because transformers initialises modules by type, and never calls the
    initialiser of a container without direct parameters.
    """


class AlignedLinear(nn.Linear):
    """A linear layer that starts as the identity, truncated or padded if it is not square.

    Entity features usually come from the backbone before fine-tuning. After layers that start as
    the identity, they are still in the representation space of the backbone, so that a task head
    applies the same weights to texts and entities, and few labelled texts suffice.
    """

    padding_std = 0.0
    """Standard deviation of the weights of the rows that are added."""


#: Scale of gates. A step of Adam is about as large as the learning rate for any gradient, too small
#: to open a gate from zero during training on a small data set.
GATE_LR_MULTIPLIER = 30.0


class KnowledgeAttention(nn.Module):
    """Attention of each linked position to its candidate entities and a null entity.

    ``h + g * W_out sum over candidates e of a_e V e``, where the weights ``a`` are a softmax over
    ``q(h) k(e) / sqrt(d) + log score(e)`` of the candidates and over the match with the learned key
    of the null entity. The value of the null entity is zero, so a position without a fitting
    candidate is not changed. The gate ``g``, one number per channel, starts at zero, so that a
    fresh layer is the identity (after Flamingo, Alayrac et al. 2022, arXiv:2204.14198, and ReZero,
    Bachlechner et al. 2021, arXiv:2003.04887). All other projections start aligned. Positions
    without links are returned unchanged, bit for bit.
    """

    def __init__(self, hidden: int, knowledge: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (knowledge // heads) ** -0.5
        self.norm = nn.LayerNorm(hidden)
        self.query = AlignedLinear(hidden, knowledge)
        self.key = AlignedLinear(knowledge, knowledge)
        self.value = AlignedLinear(knowledge, knowledge)
        self.null_key = nn.Parameter(torch.empty(knowledge))
        self.output = AlignedLinear(knowledge, hidden, bias=False)
        # Channels of zeros behind a gate of zero would never get a gradient.
        self.output.padding_std = 0.02
        self.gate = nn.Parameter(torch.zeros(hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"] | FoldedKeysValues,
        links: Links,
    ) -> tuple[Float[Tensor, "batch tokens hidden"], Float[Tensor, "links heads"]]:
        """Return the tokens with knowledge added, and the attention weight of each link.

        The weights of a position and that of the null entity add up to one.
        """
        # Flat tables with a single index: the backward pass of index_select is an index_add, which
        # is several times faster than that of an index with two dimensions.
        flat = tokens.reshape(-1, tokens.shape[-1])
        places = links.batch_index * tokens.shape[1] + links.token_index
        keys, values, null_key = self._project_entities(entities)
        queries = self._project_queries(flat.index_select(0, places), entities)
        key = self._split(keys.index_select(0, links.node_index))
        value = self._split(values.index_select(0, links.node_index))
        query = self._split(queries.index_select(0, links.query_index))
        match = (query * key).sum(-1) * self.scale + links.scores.unsqueeze(1)
        null = (self._split(queries) * self._split(null_key)).sum(-1) * self.scale
        weights = _softmax_with_null(match.float(), null.float(), links.query_index)
        read = (weights.unsqueeze(-1).to(value.dtype) * value).flatten(1)
        context = read.new_zeros(places.shape[0], read.shape[1])
        context = context.index_add(0, links.query_index, read)
        return self._add_update(flat, places, self._project_output(context, entities)).view(
            tokens.shape
        ), weights

    def forward_dense(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"] | FoldedKeysValues,
        places: Int[Tensor, " positions"],
        rows: Int[Tensor, " positions"],
        nodes: Int[Tensor, " cells"],
        scores: Float[Tensor, "batch 1 most columns"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the same tokens as :meth:`forward`, computed with a dense table for each text.

        Matrix products are several times faster than gathering a key and a value along each link,
        as long as the tables are not much larger than the gathered tensors.

        Args:
            tokens: States of a block.
            entities: Vectors of the nodes, or their folded keys and values.
            places: Rows of the flattened tokens that attend.
            rows: Their rows in the concatenated tables.
            nodes: The node of each column of each table; the null entity has the number after the
                last node.
            scores: Log of the score of each link, minus infinity without a link; the last column is
                the null entity, whose value is zero.
        """
        flat = tokens.reshape(-1, tokens.shape[-1])
        queries = self._project_queries(flat.index_select(0, places), entities)
        table = queries.new_zeros(len(tokens) * scores.shape[2], queries.shape[-1])
        query = self._by_head(table.index_copy(0, rows, queries), len(tokens))
        keys, values, null_key = self._project_entities(entities)
        keys = torch.cat([keys, null_key.to(keys.dtype).unsqueeze(0)])
        values = torch.cat([values, values.new_zeros(1, values.shape[1])])
        key = self._by_head(keys.index_select(0, nodes), len(tokens))
        value = self._by_head(values.index_select(0, nodes), len(tokens))
        match = torch.matmul(query, key.transpose(2, 3))
        weights = torch.softmax(torch.add(scores, match, alpha=self.scale), -1)
        context = torch.matmul(weights.to(value.dtype), value).transpose(1, 2)
        context = context.flatten(0, 1).flatten(1).index_select(0, rows)
        return self._add_update(flat, places, self._project_output(context, entities)).view(
            tokens.shape
        )

    def forward_readout(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"],
        places: Int[Tensor, " batch"],
        nodes: Int[Tensor, "batch columns"],
        scores: Float[Tensor, "batch 1 all"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the same tokens as :meth:`forward` if one position of each text attends.

        There are fewer queries than entities, so the key and value projections are applied to the
        queries and to the context: ``q (K e) = (K^T q) e`` (after DeepSeek-V2, arXiv:2405.04434).

        Args:
            tokens: States of a block.
            entities: Vectors of the nodes.
            places: Rows of the flattened tokens that attend, one per text.
            nodes: The linked nodes of each text, padded with any node.
            scores: Log of the score of each link, minus infinity without a link; the last column is
                the null entity, whose value is zero.
        """
        flat = tokens.reshape(-1, tokens.shape[-1])
        query = self._split(self.query(self.norm(flat.index_select(0, places))))
        entity_query = torch.einsum("bhs,hsk->bhk", query, self._weights_by_head(self.key))
        read = (
            entities.index_select(0, nodes.flatten()).view(*nodes.shape, -1).to(entity_query.dtype)
        )
        match = torch.matmul(entity_query, read.transpose(1, 2))
        match = match + (query * self._split(self.key.bias)).sum(-1, keepdim=True)
        null = (query * self._split(self.null_key)).sum(-1, keepdim=True)
        match = torch.cat([match, null.to(match.dtype)], -1)
        weights = torch.softmax(torch.add(scores, match, alpha=self.scale), -1)
        weights = weights[..., :-1].to(read.dtype)
        mean = torch.matmul(weights, read)
        context = torch.einsum("bhk,hsk->bhs", mean, self._weights_by_head(self.value))
        context = context + weights.sum(-1, keepdim=True) * self._split(self.value.bias)
        return self._add_update(flat, places, self.output(context.flatten(1))).view(tokens.shape)

    def fold_projections(self, entities: Float[Tensor, "nodes knowledge"]) -> FoldedKeysValues:
        """Return keys and values with the query and output projections folded in, for one head.

        The query is then the token state, and the output is the weighted sum of the values.

        Raises:
            KGBertError: A projection is wrapped, so that its weights do not define it.
        """
        if self.has_wrapped_projection:
            raise KGBertError(
                "a projection of the knowledge attention is wrapped, as by LoRA, so that "
                "precomputed vectors would lack what the wrapper adds. Merge it first (in peft: "
                "model.merge_and_unload()).",
                code="wrapped-projection",
            )
        keys = self._absorbed_key(self.key(entities))
        return FoldedKeysValues(keys, self.output(self.value(entities)))

    @property
    def has_wrapped_projection(self) -> bool:
        """Whether a projection is wrapped, for example by LoRA."""
        return any(type(each) is not AlignedLinear for each in self.folded_projections)

    @property
    def is_foldable(self) -> bool:
        """Whether attention to folded keys and values is faster than to entity vectors."""
        return self.heads == 1 and self.key.in_features >= self.query.in_features

    @property
    def folded_projections(self) -> tuple[nn.Module, ...]:
        """The projections whose weights :meth:`fold_projections` uses."""
        return self.query, self.key, self.value, self.output

    def _absorbed_key(self, key: Tensor) -> Tensor:
        # Precomputed vectors give the projections no gradient, so the null entity must not either.
        weight, bias = self.query.weight.detach(), self.query.bias.detach()
        return torch.cat([key @ weight, (key @ bias).unsqueeze(-1)], -1)

    def _project_entities(
        self, entities: Tensor | FoldedKeysValues
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the keys and values of entities, and the key of the null entity."""
        if isinstance(entities, FoldedKeysValues):
            return entities.keys, entities.values, self._absorbed_key(self.null_key)
        return self.key(entities), self.value(entities), self.null_key

    def _project_queries(self, states: Tensor, entities: Tensor | FoldedKeysValues) -> Tensor:
        """Return the queries; for folded keys these are the states and a constant one."""
        states = self.norm(states)
        if isinstance(entities, FoldedKeysValues):
            return torch.cat([states, states.new_ones(states.shape[0], 1)], 1)
        query: Tensor = self.query(states)
        return query

    def _project_output(self, context: Tensor, entities: Tensor | FoldedKeysValues) -> Tensor:
        """Return the context in the space of the tokens."""
        is_folded = isinstance(entities, FoldedKeysValues)
        output: Tensor = context if is_folded else self.output(context)
        return output

    def _add_update(self, flat: Tensor, places: Tensor, output: Tensor) -> Tensor:
        """Return flattened tokens with the gated output added at some rows."""
        update = self.dropout(output * (GATE_LR_MULTIPLIER * self.gate))
        return flat.index_add(0, places, update.to(flat.dtype))

    def _weights_by_head(self, layer: nn.Linear) -> Tensor:
        """Return the weights of a layer in the shape (heads, head size, input size)."""
        return layer.weight.view(self.heads, -1, layer.in_features)

    def _by_head(self, x: Tensor, texts: int) -> Tensor:
        """Return rows in the shape (texts, heads, rows of a text, head size)."""
        return self._split(x.view(texts, len(x) // texts, x.shape[-1])).transpose(1, 2)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, x.shape[-1] // self.heads)


def _softmax_with_null(
    match: Float[Tensor, "links heads"],
    null: Float[Tensor, "positions heads"],
    positions: Int[Tensor, " links"],
) -> Float[Tensor, "links heads"]:
    """Return the softmax weight of each link among the links of its position and null."""
    index = positions.unsqueeze(1).expand_as(match)
    largest = null.detach().scatter_reduce(0, index, match.detach(), "amax")
    unnormalised = torch.exp(match - largest.index_select(0, positions))
    total = torch.exp(null - largest).index_add(0, positions, unnormalised)
    return unnormalised / total.index_select(0, positions)
