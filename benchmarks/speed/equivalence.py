"""Do padding, precomputation, compilation and bfloat16 leave the logits unchanged?"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.speed.timing import Case
from kgbert.models.layers.knowledge_attention import GATE_LR_MULTIPLIER, KnowledgeAttention


class Variant(NamedTuple):
    """One way to compute the logits of a batch."""

    case: Case
    tolerance: float
    """Allowed deviation from the reference logits, relative to their root mean square."""
    precision: torch.dtype = torch.float32


def logit_deviations(case: Case, precomputed: Case) -> dict[str, dict[str, float]]:
    """Return the deviation of each variant's logits from the reference, and the tolerance.

    The reference is eager, in float32, samples neighbours for each batch and pads nothing.

    Args:
        case: A case with knowledge; if it is compiled, compilation is a variant too. Its gates are
            opened, since before training they are zero.
        precomputed: The same case with precomputed entity vectors.
    """
    _open_gates(case)
    reference = replace(case, bucketed=False, wrapped=None)
    variants = {
        "padded to buckets": Variant(replace(reference, bucketed=True), 1e-4),
        # Vectors are stored in half precision.
        "looked up": Variant(replace(precomputed, bucketed=False, wrapped=None), 1e-2),
        "bfloat16": Variant(reference, 1e-1, torch.bfloat16),
    }
    if case.wrapped is not None:
        variants["compiled"] = Variant(case, 1e-3)
    expected = _logits(reference, torch.float32)
    size = expected.square().mean().sqrt()
    deviations = {}
    for name, (each, tolerance, precision) in variants.items():
        deviation = (_logits(each, precision) - expected).abs().max() / size
        deviations[name] = {"found": float(f"{deviation:.1e}"), "allowed": tolerance}
    return deviations


def _open_gates(case: Case) -> None:
    for module in case.model.modules():
        if isinstance(module, KnowledgeAttention):
            torch.nn.init.constant_(module.gate, 1 / GATE_LR_MULTIPLIER)


def _logits(case: Case, precision: torch.dtype) -> Tensor:
    """Return the logits of the first batches, on the CPU."""
    case.model.eval()
    mixed = torch.autocast(case.device, precision, enabled=precision != torch.float32)
    with torch.inference_mode(), mixed:
        return torch.cat(
            [case.module(**case.collate(number)).logits.float().cpu() for number in range(4)]
        )
