"""Steps of a benchmark that need a process of their own, for its memory is what they measure."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def in_own_process(script: str, *arguments: str) -> dict[str, Any]:
    """Return the JSON object that a script prints last."""
    told = subprocess.run(
        [sys.executable, script, *arguments], check=True, stdout=subprocess.PIPE, text=True
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
