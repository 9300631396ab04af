"""Run a benchmark's step in a process of its own, to measure the memory of this step alone."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_module(module: str, *arguments: str) -> dict[str, Any]:
    """Return the JSON object that a module prints last when it is run."""
    told = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    answer: dict[str, Any] = json.loads(told.splitlines()[-1])
    return answer


def memory_in_gib(what: str) -> float:
    """Return what Linux says of this process's memory; elsewhere the peak is all there is.

    Args:
        what: ``RssAnon``, what the process owns by now; ``VmHWM``, the most it held at a time,
            pages of mapped files included.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith(what))
        return round(int(line.split()[1]) / 2**20, 3)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)
