"""The fastest floating-point type of a machine, and the processes of a training."""

import torch
from accelerate import PartialState


def process_state() -> PartialState:
    """Return the number of this process among those that torchrun or accelerate started."""
    # On a CPU, accelerate joins no processes without it: each would believe to be the first.
    return PartialState(cpu=not torch.accelerator.is_available())


def has_fast_bf16() -> bool:
    """Return whether this machine computes faster in bfloat16 than in float32.

    With AVX-512 BF16 a training step of MiniLM took 0.43 of its time in float32 on two cores; a
    CPU without it emulates bfloat16 and is slower.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capability = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in capability and bool(torch.cpu._is_avx512_bf16_supported())
