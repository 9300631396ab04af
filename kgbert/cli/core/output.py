"""Make standard output safe: handle closed or full output, and escape control characters."""

import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

#: Control characters except tab and line feed, and characters that change the text direction.
#: Entity names can contain them, and a terminal would interpret them.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape(text: str) -> str:
    r"""Return a text in which control characters are written as escapes.

    >>> print(escape("fever\x1b[2J"))
    fever\x1b[2J
    """
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class SafeOutput(io.TextIOBase):
    """A text stream that escapes control characters.

    Args:
        stream: Where to write; None if standard output was closed before Python started.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write an escaped text; raise OSError if standard output was closed at the start."""
        if self._stream is None:
            raise OSError(
                errno.EBADF, "standard output is closed; redirect it to a file or to /dev/null"
            )
        self._stream.write(escape(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._stream is not None:
            self._stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream is not None and bool(self._stream.isatty())


@contextmanager
def safe_output() -> Iterator[None]:
    """Redirect standard output through :class:`SafeOutput` inside the context."""
    for stream in (sys.stdout, sys.stderr):
        # Entity names can contain characters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with redirect_stdout(SafeOutput(sys.stdout)):
        yield


def discard_output() -> None:
    """Redirect standard output to the null device, so that Python's flush at exit cannot fail."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
