"""Read many mutated inputs of every reader, and print how many were read and refused.

python -m tests.fuzz [NAME ...] --inputs 100000
"""

import argparse
import logging
import tempfile
import traceback
import warnings
from pathlib import Path

from tests.fuzz.families import GRAPHS, TEXTS
from tests.fuzz.running import fuzz
from tests.fuzz.saved import SAVED


def main() -> None:
    """Print a line for each family."""
    families = GRAPHS | TEXTS | SAVED
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(families), metavar="NAME")
    parser.add_argument("--inputs", type=int, default=1000, help="mutated inputs of each")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="most for each")
    arguments = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    for name in arguments.names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome = fuzz(
                    name,
                    families[name],
                    Path(folder, "files"),
                    seconds=arguments.seconds,
                    inputs=arguments.inputs,
                )
            except Exception:
                print(f"{name}: FAILED\n{traceback.format_exc()}", flush=True)
                continue
        print(
            f"{name}: {outcome.inputs:,} inputs, {outcome.refused:,} refused, the slowest took "
            f"{outcome.slowest:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
