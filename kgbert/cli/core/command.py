"""A command of the command line."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A function with its command-line arguments."""

    run: Callable[[Namespace], None]
    """Prints its result, or raises a ValueError or OSError with a remedy in its message."""
    add_arguments: Callable[[ArgumentParser], None]
    example: str
    """An example command line, shown below the help."""

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.run.__doc__ or "").partition("\n")[0]
