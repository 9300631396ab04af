"""Run a benchmark's step in a process of its own, to measure the memory of this step alone."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_module(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module and return the JSON object on the last line of its output."""
    printed = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    result: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return result


def memory_in_gib(field: str) -> float:
    """Return a memory figure of this process; outside Linux always the peak.

    Args:
        field: ``RssAnon``: anonymous memory now; ``VmHWM``: peak resident memory, including pages
            of mapped files.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith(field))
        return round(int(line.split()[1]) / 2**20, 3)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)
