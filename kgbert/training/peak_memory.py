"""The most memory that a run takes."""

import ctypes
import gc
from pathlib import Path

import torch

#: Where Linux takes the order to forget a process's peak, and where it tells the peak.
_FORGET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class PeakMemory:
    """Watches how much memory is taken from its making on: the GPU's, or else the process's.

    What runs before left behind is given back to the system first, as far as it lets go. The
    process's share holds what all arms have in common, too: the graph, torch, pages of mapped
    files.
    """

    def __init__(self) -> None:
        gc.collect()
        self._on_gpu = torch.cuda.is_available()
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
        self._is_told = self._on_gpu or _forget_peak()

    def in_mb(self) -> int | None:
        """Return the most that was taken at a time, in MiB; None where the system does not tell."""
        if not self._is_told:
            return None
        if self._on_gpu:
            return round(torch.cuda.max_memory_allocated() / 2**20)
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
        return next(round(int(x.split()[1]) / 1024) for x in lines if x.startswith("VmHWM"))


def _forget_peak() -> bool:
    """Let Linux count the process's peak anew; return whether it does."""
    if not _FORGET.exists():
        return False
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    try:
        _FORGET.write_text("5", encoding="utf-8")
    except OSError:  # Some containers forbid it.
        return False
    return True
