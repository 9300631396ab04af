"""A graph encoder that adds the mean of the senders, whatever the relation."""

import torch
from torch import Tensor, nn


class SenderMean(nn.Module):
    """A layer made from (size, relations), called with (senders, receivers), edges and types."""

    def __init__(self, size: int, relations: int) -> None:
        super().__init__()
        self.project = nn.Linear(size, size)

    def forward(
        self, nodes: tuple[Tensor, Tensor], edge_index: Tensor, edge_types: Tensor
    ) -> Tensor:
        """Return the receivers' new vectors."""
        senders, receivers = nodes
        total = torch.zeros_like(receivers).index_add(0, edge_index[1], senders[edge_index[0]])
        count = torch.bincount(edge_index[1], minlength=len(receivers)).clamp(min=1)
        updated: Tensor = self.project(total / count.unsqueeze(-1).to(total.dtype))
        return updated
