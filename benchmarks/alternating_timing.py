"""Time steps that take turns, so that all see the same load of the machine."""

import time
from collections.abc import Callable, Mapping


def alternating(steps: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each step in each round, without the first one, which fills caches."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if repeat:
                seconds[name].append(time.perf_counter() - started)
    return seconds
