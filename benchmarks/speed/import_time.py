"""Start-up time of the command line and of the import."""

import resource
import subprocess
import sys
from statistics import median


def start_up(repeats: int) -> dict[str, float]:
    """Return the processor seconds of each command, with bare Python as the reference."""
    commands = {
        "python": ["-c", ""],
        "import kgbert": ["-c", "import kgbert"],
        "kgbert --help": ["-c", "from kgbert.cli import main; main(['--help'])"],
    }
    seconds_by_command: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds_by_command[name].append(
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            )
    return {name: round(median(seconds), 3) for name, seconds in seconds_by_command.items()}
