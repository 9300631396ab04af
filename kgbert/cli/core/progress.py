"""How long runs tell what they are doing."""

import time

from kgbert.comparison.compare import Progress
from kgbert.reporting.formatting import duration

#: Seconds after which a long step tells how far it has come.
_EVERY = 15


def show_run(told: Progress) -> None:
    """Print a line for a finished run, with the time left."""
    if not told.arm:
        print(f"[{told.done}/{told.total}] {told.outcome}", flush=True)
        return
    left = f", about {duration(told.seconds_left)} left" if told.done < told.total else ""
    print(
        f"[{told.done}/{told.total}] {told.arm}, seed {told.seed}: {told.outcome}{left}", flush=True
    )


def show_trial(
    done: int, total: int, arm: str, rate: float, seed: int, score: float | None
) -> None:
    """Print a line for a finished trial of a search."""
    outcome = "failed" if score is None else f"{score:.3f} on validation"
    print(f"[search {done}/{total}] {arm}, rate {rate:g}, seed {seed}: {outcome}", flush=True)


class ShowProgress:
    """Prints, every few seconds, how much of something long is done, and the time left."""

    def __init__(self, what: str) -> None:
        self.what, self.done = what, 0
        self.started = self.told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Tell how far it has come; a smaller number than the last begins anew."""
        now = time.monotonic()
        if done <= self.done:
            self.started = self.told = now
        self.done = done
        if now - self.told > _EVERY and done < total:
            left = (now - self.started) / done * (total - done)
            print(f"  {self.what} {done:,} of {total:,}, {duration(left)} left at most", flush=True)
            self.told = now
