"""Report the progress of long operations to whoever shows it."""

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

logger = logging.getLogger(__name__)

#: Called with the number of finished steps and of all steps.
StepCallback = Callable[[int, int], None]


@runtime_checkable
class Reporter(Protocol):
    """Shows the progress of a training or a comparison, for example in a terminal."""

    def message(self, text: object) -> None:
        """Show a message about the next step, or the progress of a run."""
        ...

    def steps(self, task: str) -> StepCallback:
        """Return a function that is called with the finished steps of a task and all steps."""
        ...


class LogReporter:
    """Logs messages at level INFO, which shows nothing unless the caller switches it on."""

    def message(self, text: object) -> None:
        """Log a message."""
        logger.info("%s", text)

    def steps(self, task: str) -> StepCallback:
        """Return a function that ignores the steps."""
        return lambda done, total: None


#: The reporter of calls that give none.
LOG_REPORTER = LogReporter()
