"""How long runs tell what they are doing."""

import sys
import time

from kgbert.comparing.compare import Progress


def show_run(told: Progress) -> None:
    """Print a line for a finished run, with the time left."""
    if not told.arm:
        print(f"[{told.done}/{told.total}] {told.outcome}")
        return
    left = f", about {_clock(told.seconds_left)} left" if told.done < told.total else ""
    print(f"[{told.done}/{told.total}] {told.arm}, seed {told.seed}: {told.outcome}{left}")
    sys.stdout.flush()


class ShowEncoding:
    """Prints, every few seconds, how many entities are encoded."""

    def __init__(self) -> None:
        self.started = self.told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the encoding has come."""
        now = time.monotonic()
        if now - self.told > 10 and done < total:
            left = (now - self.started) / done * (total - done)
            print(f"encoding entities: {done:,} of {total:,}, about {_clock(left)} left")
            sys.stdout.flush()
            self.told = now


def _clock(seconds: float) -> str:
    """Write a time to wait as people say it.

    >>> _clock(42), _clock(150), _clock(5000)
    ('42 s', '2 min 30 s', '1 h 23 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
