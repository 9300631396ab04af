"""The attention through which tokens read the entities they mention."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from kgbert.utils.errors import KGBertError


class Links(NamedTuple):
    """Which position of the batch may read which node.

    A *position* is one linked token; the cost follows the number of links, not
    tokens times entities.
    """

    batch_index: Int[Tensor, " positions"]
    """Text of each linked position."""
    token_index: Int[Tensor, " positions"]
    """Its place in that text."""
    query_index: Int[Tensor, " links"]
    """The position that a link starts from."""
    node_index: Int[Tensor, " links"]
    """The node of the subgraph that it leads to."""
    scores: Float[Tensor, " links"]
    """Log of the linker's score; minus infinity hides the link."""

    def start_at(self, token_index: Int[Tensor, " batch"]) -> Bool[Tensor, " links"]:
        """Return which links start from one given token of their text.

        Args:
            token_index: The token of each text.
        """
        starts = self.token_index == token_index.index_select(0, self.batch_index)
        return starts.index_select(0, self.query_index)


class FoldedKeysValues(NamedTuple):
    """Entities that tokens read without maps of their own, in an attention of one head.

    There ``q(h) k(e)`` is the product of ``h`` with a vector that depends on the entity alone, and
    the output map can be applied to the entities' values: all before a text is seen.
    """

    keys: Float[Tensor, "nodes asked"]
    """One number longer than a token's state: the last is what the query's bias asks for."""
    values: Float[Tensor, "nodes hidden"]


class ZeroLinear(nn.Linear):
    """A linear map that starts at zero, so that what it feeds starts as the identity.

    It has its own type because transformers initialises a module by type, and never
    calls the initialiser of a container without parameters of its own.
    """


class AlignedLinear(nn.Linear):
    """A linear map that starts as the identity, cut to its shape where it is not square.

    Entity features come as a rule from the backbone before fine-tuning. What passes through maps
    that start as the identity is still in the backbone's own space, so that a head which learns to
    read texts reads entities with the same weights, and few labelled texts suffice.
    """


#: Adam moves a parameter by the learning rate in each step, whatever the gradient; a gate that had
#: to move so from zero would hardly be open when a small training set is learnt.
GATE_LR_MULTIPLIER = 30.0


class KnowledgeAttention(nn.Module):
    """Let each linked position attend to its candidate entities and to a null entity.

    ``h + g * W_out sum over candidates e of a_e V e``, where the weights ``a`` are a softmax over
    the candidates' ``q(h) k(e) / sqrt(d) + log score(e)`` and over the learned key of the null
    entity, whose value is zero: a position that finds none of its candidates fitting stays as it
    was. The gate ``g``, one number a channel, starts at zero, so a fresh layer is the identity
    (after Flamingo, Alayrac et al. 2022, arXiv:2204.14198, and ReZero, Bachlechner et al. 2021,
    arXiv:2003.04887); all other maps start aligned. Positions without links are returned bit for
    bit.
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
        self.gate = nn.Parameter(torch.zeros(hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"] | FoldedKeysValues,
        links: Links,
    ) -> tuple[Float[Tensor, "batch tokens hidden"], Float[Tensor, "links heads"]]:
        """Return the tokens with their knowledge added, and the attention each link got.

        What a position's links lack to one is the null entity's share.
        """
        # Rows of flat tables throughout: the backward pass of index_select is an index_add, several
        # times faster than what two indices at once would need.
        flat = tokens.reshape(-1, tokens.shape[-1])
        places = links.batch_index * tokens.shape[1] + links.token_index
        keys, values, null_key = self._side_of(entities)
        queries = self._asked(flat.index_select(0, places), entities)
        key = self._split(keys.index_select(0, links.node_index))
        value = self._split(values.index_select(0, links.node_index))
        asked = self._split(queries.index_select(0, links.query_index))
        match = (asked * key).sum(-1) * self.scale + links.scores.unsqueeze(1)
        null = (self._split(queries) * self._split(null_key)).sum(-1) * self.scale
        weights = _softmax_with_null(match.float(), null.float(), links.query_index)
        read = (weights.unsqueeze(-1).to(value.dtype) * value).flatten(1)
        context = read.new_zeros(len(places), read.shape[1])
        context = context.index_add(0, links.query_index, read)
        return self._added(flat, places, self._told(context, entities)).view(tokens.shape), weights

    def forward_dense(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"] | FoldedKeysValues,
        places: Int[Tensor, " positions"],
        rows: Int[Tensor, " positions"],
        nodes: Int[Tensor, " cells"],
        scores: Float[Tensor, "batch 1 most columns"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the same tokens as :meth:`forward`, the links of each text taken as a table.

        Products of matrices are several times faster than gathering a key and a value along each
        link, as long as the tables are not much larger than what is gathered.

        Args:
            tokens: States of a block.
            entities: Vectors of the nodes, or what they have folded.
            places: Rows of the flattened tokens that read.
            rows: Rows of the tables, one table after another, that stand for them.
            nodes: What each column of each table leads to; the null entity is one behind the last.
            scores: Log of the linker's score of each node, minus infinity where there is no link;
                last the null entity, whose is zero.
        """
        flat = tokens.reshape(-1, tokens.shape[-1])
        asked = self._asked(flat.index_select(0, places), entities)
        asking = asked.new_zeros(len(tokens) * scores.shape[2], asked.shape[-1])
        query = self._by_head(asking.index_copy(0, rows, asked), len(tokens))
        keys, values, null_key = self._side_of(entities)
        keys = torch.cat([keys, null_key.to(keys.dtype).unsqueeze(0)])
        values = torch.cat([values, values.new_zeros(1, values.shape[1])])
        key = self._by_head(keys.index_select(0, nodes), len(tokens))
        value = self._by_head(values.index_select(0, nodes), len(tokens))
        match = torch.matmul(query, key.transpose(2, 3))
        weights = torch.softmax(torch.add(scores, match, alpha=self.scale), -1)
        context = torch.matmul(weights.to(value.dtype), value).transpose(1, 2)
        context = context.flatten(0, 1).flatten(1).index_select(0, rows)
        return self._added(flat, places, self._told(context, entities)).view(tokens.shape)

    def forward_readout(
        self,
        tokens: Float[Tensor, "batch tokens hidden"],
        entities: Float[Tensor, "nodes knowledge"],
        places: Int[Tensor, " batch"],
        nodes: Int[Tensor, "batch columns"],
        scores: Float[Tensor, "batch 1 all"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Return the same tokens as :meth:`forward`, where one position of each text reads.

        There are fewer of them than entities, so the maps of keys and values are applied to what
        asks and to what was read, as ``q (K e) = (K^T q) e`` (after DeepSeek-V2, arXiv:2405.04434).

        Args:
            tokens: States of a block.
            entities: Vectors of the nodes.
            places: Rows of the flattened tokens that read, one a text.
            nodes: What each of them may read, filled up with anything.
            scores: Log of the linker's score of each, minus infinity where there is no link; last
                the null entity, whose is zero.
        """
        flat = tokens.reshape(-1, tokens.shape[-1])
        query = self._split(self.query(self.norm(flat.index_select(0, places))))
        asking = torch.einsum("bhs,hsk->bhk", query, self._map_by_head(self.key))
        read = entities.index_select(0, nodes.flatten()).view(*nodes.shape, -1).to(asking.dtype)
        match = torch.matmul(asking, read.transpose(1, 2))
        match = match + (query * self._split(self.key.bias)).sum(-1, keepdim=True)
        null = (query * self._split(self.null_key)).sum(-1, keepdim=True)
        match = torch.cat([match, null.to(match.dtype)], -1)
        weights = torch.softmax(torch.add(scores, match, alpha=self.scale), -1)
        weights = weights[..., :-1].to(read.dtype)
        mean = torch.matmul(weights, read)
        context = torch.einsum("bhk,hsk->bhs", mean, self._map_by_head(self.value))
        context = context + weights.sum(-1, keepdim=True) * self._split(self.value.bias)
        return self._added(flat, places, self.output(context.flatten(1))).view(tokens.shape)

    def fold_projections(self, entities: Float[Tensor, "nodes knowledge"]) -> FoldedKeysValues:
        """Return entities that tokens can read without a map of their own; of one head only.

        The token's state takes the place of the query, and what is read that of the output.

        Raises:
            ValueError: A map is wrapped, so that its weights are not all that it does.
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
        """Whether the weights of a map are not all that it does, as with LoRA."""
        return any(type(each) is not AlignedLinear for each in self.folded_projections)

    @property
    def is_foldable(self) -> bool:
        """Whether entities that have folded projections are quicker to read than their vectors."""
        return self.heads == 1 and self.key.in_features >= self.query.in_features

    @property
    def folded_projections(self) -> tuple[nn.Module, ...]:
        """The maps whose weights are in what :meth:`fold_projections` returns."""
        return self.query, self.key, self.value, self.output

    def _absorbed_key(self, key: Tensor) -> Tensor:
        # Who looks vectors up teaches the maps nothing: not here either, by the null entity alone.
        weight, bias = self.query.weight.detach(), self.query.bias.detach()
        return torch.cat([key @ weight, (key @ bias).unsqueeze(-1)], -1)

    def _side_of(self, entities: Tensor | FoldedKeysValues) -> tuple[Tensor, Tensor, Tensor]:
        """Return keys and values of entities, and the null entity's key."""
        if isinstance(entities, FoldedKeysValues):
            return entities.keys, entities.values, self._absorbed_key(self.null_key)
        return self.key(entities), self.value(entities), self.null_key

    def _asked(self, states: Tensor, entities: Tensor | FoldedKeysValues) -> Tensor:
        """Return what goes to meet the keys of entities."""
        states = self.norm(states)
        if isinstance(entities, FoldedKeysValues):
            return torch.cat([states, states.new_ones(len(states), 1)], 1)
        query: Tensor = self.query(states)
        return query

    def _told(self, context: Tensor, entities: Tensor | FoldedKeysValues) -> Tensor:
        """Return what was read in the tokens' own space."""
        told: Tensor = context if isinstance(entities, FoldedKeysValues) else self.output(context)
        return told

    def _added(self, flat: Tensor, places: Tensor, told: Tensor) -> Tensor:
        """Return flattened tokens with what some of them have read added."""
        update = self.dropout(told * (GATE_LR_MULTIPLIER * self.gate))
        return flat.index_add(0, places, update.to(flat.dtype))

    def _map_by_head(self, layer: nn.Linear) -> Tensor:
        """Return a map's weights as (heads, size of a head, size of what it maps)."""
        return layer.weight.view(self.heads, -1, layer.in_features)

    def _by_head(self, x: Tensor, texts: int) -> Tensor:
        """Return rows as (texts, heads, rows of a text, size of a head)."""
        return self._split(x.view(texts, len(x) // texts, x.shape[-1])).transpose(1, 2)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, x.shape[-1] // self.heads)


def _softmax_with_null(
    match: Float[Tensor, "links heads"],
    null: Float[Tensor, "positions heads"],
    positions: Int[Tensor, " links"],
) -> Float[Tensor, "links heads"]:
    """Return the weight of each link among those of its position and the null entity."""
    index = positions.unsqueeze(1).expand_as(match)
    largest = null.detach().scatter_reduce(0, index, match.detach(), "amax")
    unnormalised = torch.exp(match - largest.index_select(0, positions))
    total = torch.exp(null - largest).index_add(0, positions, unnormalised)
    return unnormalised / total.index_select(0, positions)
