"""Check that time grows with the size of an input, and not with its square."""

from collections.abc import Callable
from time import process_time

#: How many times larger the second input is.
FACTOR = 16
#: A quadratic function takes 256 times as long, a linear one 16 times.
MOST_RATIO = 100
#: Times below this one are of noise.
SHORTEST = 0.01


def assert_linear(run: Callable[[int], object], size: int) -> None:
    """Fail if an input that is sixteen times as large takes many more times as long."""
    run(size)  # whatever is loaded or compiled at the first call
    small = max(SHORTEST, _least_time(run, size))
    large = _least_time(run, size * FACTOR)
    assert large < MOST_RATIO * small, f"{FACTOR} times the input took {large / small:.0f} times"


def _least_time(run: Callable[[int], object], size: int) -> float:
    times = []
    for _ in range(2):
        start = process_time()
        run(size)
        times.append(process_time() - start)
    return min(times)
