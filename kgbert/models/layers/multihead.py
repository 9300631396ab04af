"""Multi-head attention between unbatched sequences."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from kgbert.utils.errors import KGBertError


class MultiHeadAttention(nn.Module):
    """Multi-head attention without a batch dimension; the mask separates the texts.

    ``softmax(Q K / sqrt(d)) V`` for each head, and one output projection of all heads.
    """

    def __init__(self, size: int, read_size: int, heads: int) -> None:
        super().__init__()
        if size % heads:
            raise KGBertError(
                f"{heads} heads cannot divide vectors of length {size}; choose knowledge_heads so "
                "that it divides feature_size.",
                code="indivisible-heads",
            )
        self.heads = heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(read_size, size)
        self.value = nn.Linear(read_size, size)
        self.output = nn.Linear(size, size)

    def forward(
        self,
        queries: Float[Tensor, "queries size"],
        memory: Float[Tensor, "keys read_size"],
        visible: Bool[Tensor, "queries keys"],
    ) -> Float[Tensor, "queries size"]:
        """Return the context of each query; one without visible keys attends to all keys."""
        query, key, value = (
            self._split(layer(x))
            for layer, x in ((self.query, queries), (self.key, memory), (self.value, memory))
        )
        # The softmax of a row without visible keys would be NaN.
        blind = ~visible.any(1, keepdim=True)
        context = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=(visible | blind).unsqueeze(0)
        )
        output: Tensor = self.output(context.transpose(0, 1).flatten(1))
        return output

    def _split(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.heads, -1).transpose(0, 1)
