"""Code that runs in another process."""

import os
import subprocess
import sys

from tests.support.project.folder import PROJECT


def printed_elsewhere(code: str, *, hash_seed: int) -> str:
    """Return what code prints in a process in which sets have an order of their own.

    Args:
        code: Python code; ``tests`` and ``kgbert`` can be imported.
        hash_seed: Decides on the order of sets. That of the tests themselves is random.
    """
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
