"""Say where a bad value was found."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def located(place: object) -> Iterator[None]:
    """Put the place in front of a ValueError raised inside.

    >>> with located("line 3"):
    ...     raise ValueError("no text")
    Traceback (most recent call last):
    ValueError: line 3: no text
    """
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error.__cause__
