"""Types of command-line arguments: each converts a string, or raises an error."""

import math
import re
from argparse import ArgumentTypeError


def positive(typed: str) -> int:
    """Return a whole number above zero.

    >>> positive("6")
    6
    """
    return at_least(1, typed)


def not_negative(typed: str) -> int:
    """Return a whole number, zero included.

    >>> not_negative("0")
    0
    """
    return at_least(0, typed)


def positive_number(typed: str) -> float:
    """Return a number above zero.

    >>> positive_number("0.5")
    0.5
    """
    number = _number(typed)
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"invalid number {typed!r}; expected a number above 0")
    return number


def learning_rate(typed: str) -> float:
    """Return a number between 0 and 1.

    >>> learning_rate("2e-4")
    0.0002
    """
    number = _number(typed)
    if not 0 < number < 1:
        raise ArgumentTypeError(
            f"invalid learning rate {typed!r}; expected a number between 0 and 1, for example 2e-4"
        )
    return number


def learning_rates(typed: str) -> tuple[float, ...]:
    """Return several learning rates, each once.

    >>> learning_rates("1e-4,4e-4")
    (0.0001, 0.0004)
    """
    return tuple(dict.fromkeys(learning_rate(part.strip()) for part in typed.split(",")))


def train_sizes(typed: str) -> tuple[int | None, ...]:
    """Return numbers of training texts, None for all of them.

    >>> train_sizes("50,200,all")
    (50, 200, None)
    """
    parts = (part.strip() for part in typed.split(","))
    return tuple(None if part == "all" else positive(part) for part in parts)


def layers(typed: str) -> tuple[int, ...]:
    """Return the numbers of blocks, negative ones from the last; nothing for ``none``.

    >>> layers("1,-1"), layers("none")
    ((1, -1), ())
    """
    if typed == "none":
        return ()
    try:
        return tuple(int(part) for part in typed.split(","))
    except ValueError:
        raise ArgumentTypeError(
            f"invalid blocks {typed!r}; expected numbers, for example 5,6 or -1, or none"
        ) from None


def duration(typed: str) -> int:
    """Return a duration in seconds.

    >>> duration("30m"), duration("1h30m"), duration("90s")
    (1800, 5400, 90)
    """
    match = re.fullmatch(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", typed)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise ArgumentTypeError(
            f"invalid duration {typed!r}; expected for example 30m, 2h or 1h30m"
        )
    return total


def fraction(typed: str) -> float:
    """Return a number from 0 to less than 1.

    >>> fraction("0.55")
    0.55
    """
    number = _number(typed)
    if not 0 <= number < 1:
        raise ArgumentTypeError(
            f"invalid number {typed!r}; expected one from 0 to less than 1, for example 0.55"
        )
    return number


def share(typed: str) -> float:
    """Return a number above 0 and at most 1.

    >>> share("1")
    1.0
    """
    number = _number(typed)
    if not 0 < number <= 1:
        raise ArgumentTypeError(
            f"invalid share {typed!r}; expected one above 0 and at most 1, for example 0.5"
        )
    return number


def points(typed: str) -> float:
    """Return a number of points, zero included.

    >>> points("0.5")
    0.5
    """
    number = _number(typed)
    if not 0 <= number < math.inf:
        raise ArgumentTypeError(
            f"invalid number {typed!r}; expected a number of points, for example 0.5"
        )
    return number


def at_least(minimum: int, typed: str) -> int:
    """Return a whole number that is not below a minimum.

    >>> at_least(4, "8")
    8
    """
    try:
        number = int(typed)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        raise ArgumentTypeError(
            f"invalid number {typed!r}; expected a whole number of at least {minimum}"
        )
    return number


def comma_separated(typed: str) -> tuple[str, ...]:
    """Return the parts between commas.

    >>> comma_separated("is_a, part_of")
    ('is_a', 'part_of')
    """
    return tuple(part.strip() for part in typed.split(","))


def _number(typed: str) -> float:
    """Return a string as a number; NaN, which fails every comparison, if it is not a number."""
    try:
        return float(typed)
    except ValueError:
        return math.nan
