"""Share runs with other processes that work on the same ones."""

import time
from collections.abc import Callable, Iterator, Sequence

from kgbert.comparing.arms import Arm
from kgbert.comparing.store import Run, claimed, finished_run
from kgbert.comparing.study import Study

#: Seconds after which a process looks again where others are at all that is left.
WAIT = 2.0

#: Which study, arm and seed a run is of.
Place = tuple[Study, Arm, int]


def shared_runs(
    plan: Sequence[Place], attempt: Callable[[Study, Arm, int], Run]
) -> Iterator[tuple[Place, Run]]:
    """Yield each run of a plan as it is done, by this process or by another.

    A run that another process is at is left to it.

    Args:
        plan: The runs.
        attempt: Does one of them, and stores it.
    """
    waiting = list(plan)
    while waiting:
        left = []
        for place in waiting:
            run = _run_unless_claimed(place, attempt)
            if run is None:
                left.append(place)
            else:
                yield place, run
        if len(left) == len(waiting):
            time.sleep(WAIT)
        waiting = left


def _run_unless_claimed(place: Place, attempt: Callable[[Study, Arm, int], Run]) -> Run | None:
    """Return the record of a run, done by whomever; None while another process is at it."""
    if run := finished_run(*place):
        return run
    with claimed(*place) as is_ours:
        if not is_ours:
            return None
        # Asked again: it may have been finished before it was claimed.
        return finished_run(*place) or attempt(*place)
