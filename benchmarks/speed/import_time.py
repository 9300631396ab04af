"""How long the command and the import take before anything is done."""

import resource
import subprocess
import sys
from statistics import median


def start_up(repeats: int) -> dict[str, float]:
    """Return the seconds of the processor that each takes, bare Python among them."""
    commands = {
        "python": ["-c", ""],
        "import kgbert": ["-c", "import kgbert"],
        "kgbert --help": ["-c", "from kgbert.cli import main; main(['--help'])"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {name: round(median(seconds), 3) for name, seconds in found.items()}
