"""Numbers as they are typed on a command line."""

import math
import re
from argparse import ArgumentTypeError


def positive(typed: str) -> int:
    """Return a whole number above zero, or say what is wrong with what was typed.

    >>> positive("6")
    6
    """
    return at_least(1, typed)


def not_negative(typed: str) -> int:
    """Return a whole number, zero included, or say what is wrong with what was typed.

    >>> not_negative("0")
    0
    """
    return at_least(0, typed)


def rate(typed: str) -> float:
    """Return a learning rate, or say what is wrong with what was typed.

    >>> rate("2e-4")
    0.0002
    """
    number = _number(typed)
    if not 0 < number < 1:
        raise ArgumentTypeError(f"{typed!r} is no learning rate between 0 and 1, as 2e-4 is")
    return number


def rates(typed: str) -> tuple[float, ...]:
    """Return several learning rates, each once.

    >>> rates("1e-4,4e-4")
    (0.0001, 0.0004)
    """
    return tuple(dict.fromkeys(rate(one.strip()) for one in typed.split(",")))


def sizes(typed: str) -> tuple[int | None, ...]:
    """Return numbers of training texts, None for all of them.

    >>> sizes("50,200,all")
    (50, 200, None)
    """
    return tuple(None if one.strip() == "all" else positive(one) for one in typed.split(","))


def seconds(typed: str) -> int:
    """Return a time in seconds.

    >>> seconds("30m"), seconds("1h30m"), seconds("90s")
    (1800, 5400, 90)
    """
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", typed)
    hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not (whole := 3600 * hours + 60 * minutes + rest):
        raise ArgumentTypeError(f"{typed!r} is no time, as 30m, 2h and 1h30m are")
    return whole


def share(typed: str) -> float:
    """Return a number from 0 to less than 1.

    >>> share("0.55")
    0.55
    """
    number = _number(typed)
    if not 0 <= number < 1:
        raise ArgumentTypeError(f"{typed!r} is no number from 0 to less than 1, as 0.55 is")
    return number


def _number(typed: str) -> float:
    """Return what was typed as a number; what is none lies between no two."""
    try:
        return float(typed)
    except ValueError:
        return math.nan


def at_least(least: int, typed: str) -> int:
    """Return a whole number that is no smaller than another.

    >>> at_least(4, "8")
    8
    """
    try:
        number = int(typed)
    except ValueError:
        number = least - 1
    if number < least:
        raise ArgumentTypeError(f"{typed!r} is no whole number of at least {least}")
    return number
