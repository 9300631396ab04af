"""Is it the same answer, whichever way it is computed: padded, looked up, compiled, in bfloat16?"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.speed.timing import Lane
from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER, KnowledgeAttention


class Way(NamedTuple):
    """A way to compute the logits of a batch."""

    lane: Lane
    tolerance: float
    """How far its logits may be from those of the plainest way, in their own root mean square."""
    precision: torch.dtype = torch.float32


def disagreements(lane: Lane, looking_up: Lane) -> dict[str, dict[str, float]]:
    """Return how far the logits of each way are from the plainest, and how far they may be.

    Plainest is: eager, in single precision, neighbours sampled for each batch, nothing padded.

    Args:
        lane: A lane with knowledge; if it is compiled, that is a way as well. Its gates are opened,
            as before training they let no knowledge through.
        looking_up: The same with entity vectors computed beforehand.
    """
    _open_gates(lane)
    plainest = replace(lane, bucketed=False, wrapped=None)
    ways = {
        "padded to buckets": Way(replace(plainest, bucketed=True), 1e-4),
        # Vectors are kept in half precision.
        "looked up": Way(replace(looking_up, bucketed=False, wrapped=None), 1e-2),
        "bfloat16": Way(plainest, 1e-1, torch.bfloat16),
    }
    if lane.wrapped is not None:
        ways["compiled"] = Way(lane, 1e-3)
    expected = _logits(plainest, torch.float32)
    size = expected.square().mean().sqrt()
    found = {}
    for name, (each, tolerance, precision) in ways.items():
        farthest = (_logits(each, precision) - expected).abs().max() / size
        found[name] = {"found": float(f"{farthest:.1e}"), "allowed": tolerance}
    return found


def _open_gates(lane: Lane) -> None:
    for module in lane.model.modules():
        if isinstance(module, KnowledgeAttention):
            torch.nn.init.constant_(module.gate, 1 / GATE_LR_MULTIPLIER)


def _logits(lane: Lane, precision: torch.dtype) -> Tensor:
    """Return the logits of the first batches, on the CPU."""
    lane.model.eval()
    mixed = torch.autocast(lane.device, precision, enabled=precision != torch.float32)
    with torch.inference_mode(), mixed:
        return torch.cat(
            [lane.called(**lane.collate(number)).logits.float().cpu() for number in range(4)]
        )
