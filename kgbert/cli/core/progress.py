"""Show progress: a bar in a terminal, a line every fifteen seconds in a log."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from kgbert.reporting.formatting import duration

if TYPE_CHECKING:
    from tqdm import tqdm

#: Seconds between two lines of a log.
_INTERVAL = 15


def add_quiet_argument(parser: ArgumentParser) -> None:
    """Add the option that switches progress off."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")


class ProgressReporter:
    """Prints messages and the progress of a command, unless it is quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._counters: list[StepCounter] = []

    def message(self, text: object) -> None:
        """Print a message about the next step."""
        if not self.quiet:
            self._close()
            print(text, flush=True)

    def steps(self, task: str) -> "StepCounter":
        """Return a function that is called with the number of finished steps and of all steps."""
        counter = StepCounter(task, quiet=self.quiet)
        self._counters.append(counter)
        return counter

    @contextmanager
    def elapsed(self, task: str) -> Iterator[None]:
        """Show the elapsed seconds of an operation whose steps are not known."""
        if self.quiet:
            yield
            return
        finished = Event()
        clock = Thread(target=_show_elapsed, args=(task, finished), daemon=True)
        clock.start()
        try:
            yield
        finally:
            finished.set()
            clock.join()

    def _close(self) -> None:
        """Remove the bars before a line is printed."""
        for counter in self._counters:
            counter.close()


def _show_elapsed(task: str, finished: Event) -> None:
    """Show elapsed seconds until an event: each second in a terminal, else in rare lines."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    before, after, interval = ("\r", "", 1) if terminal else ("", "\n", _INTERVAL)
    started = time.monotonic()
    while not finished.wait(interval):
        line = f"{before}  {task}, {duration(time.monotonic() - started)}"
        print(line, end=after, file=sys.stderr, flush=True)
    if terminal:
        # Remove the line.
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class StepCounter:
    """Shows finished steps and remaining time of a long operation on standard error."""

    def __init__(self, task: str, *, quiet: bool = False) -> None:
        self.task, self.quiet = task, quiet
        self._bar: tqdm[None] | None = None
        self._done = 0
        self._started = self._printed = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Show the number of finished steps; a smaller number than the last restarts the bar."""
        if self.quiet:
            return
        if done <= self._done:
            self.close()
            self._started = self._printed = time.monotonic()
        self._done = done
        if sys.stderr is not None and sys.stderr.isatty():
            self._show_bar(done, total)
        else:
            self._print_line(done, total)

    def close(self) -> None:
        """Remove the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_bar(self, done: int, total: int) -> None:
        if self._bar is None:
            # Imported here, so that --help does not load it.
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self.task, total=total, leave=False, dynamic_ncols=True, file=sys.stderr
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if done >= total:
            self.close()

    def _print_line(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed < _INTERVAL or done >= total:
            return
        left = (now - self._started) / done * (total - done)
        print(
            f"  {self.task} {done:,} of {total:,}, at most {duration(left)} left",
            file=sys.stderr,
            flush=True,
        )
        self._printed = now
