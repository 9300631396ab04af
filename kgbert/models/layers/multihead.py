"""Attention of anything to anything, with several heads."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from kgbert.utils.errors import KGBertError


class MultiHeadAttention(nn.Module):
    """Multi-head attention without a batch: what belongs together, a mask says.

    ``softmax(Q K / sqrt(d)) V`` by head, and one map of all heads together.
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
        asking: Float[Tensor, "askers size"],
        read: Float[Tensor, "sources read_size"],
        visible: Bool[Tensor, "askers sources"],
    ) -> Float[Tensor, "askers size"]:
        """Return what each asker reads; one that sees nothing reads of everything."""
        query, key, value = (
            self._split(layer(x))
            for layer, x in ((self.query, asking), (self.key, read), (self.value, read))
        )
        # A row that may look nowhere would softmax to NaN.
        blind = ~visible.any(1, keepdim=True)
        context = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=(visible | blind).unsqueeze(0)
        )
        found: Tensor = self.output(context.transpose(0, 1).flatten(1))
        return found

    def _split(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.heads, -1).transpose(0, 1)
