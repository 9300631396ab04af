"""Measure the peak memory of a run."""

import ctypes
import gc
from pathlib import Path

import torch

#: The Linux files that reset a process's peak memory and report it.
_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def release_memory() -> None:
    """Release memory of earlier runs to the system, as far as possible."""
    gc.collect()
    if not _STATUS.exists():  # not Linux
        return
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


class PeakMemory:
    """Measures the peak memory since its creation: of the GPU, or else of the process.

    The peak of the process includes what all runs share: the graph, torch, and pages of mapped
    files.
    """

    def __init__(self) -> None:
        self._on_gpu = torch.cuda.is_available()
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
        self._is_measured = self._on_gpu or _reset_peak()

    def in_mb(self) -> int | None:
        """Return the peak in MiB; None where the system does not report it."""
        if not self._is_measured:
            return None
        if self._on_gpu:
            return round(torch.cuda.max_memory_allocated() / 2**20)
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
        return next(round(int(x.split()[1]) / 1024) for x in lines if x.startswith("VmHWM"))


def _reset_peak() -> bool:
    """Reset the process's peak memory; return whether the system supports it."""
    if not _RESET.exists():
        return False
    try:
        _RESET.write_text("5", encoding="utf-8")
    except OSError:  # Some containers forbid it.
        return False
    return True
