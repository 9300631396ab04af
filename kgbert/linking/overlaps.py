"""What becomes of mentions that share words."""

from collections.abc import Callable


def longest(start: int, end: int, reached: int) -> bool:
    """Accept what begins after all mentions before."""
    return start >= reached


def nested(start: int, end: int, reached: int) -> bool:
    """Accept also what lies within a mention before; never what crosses its end."""
    return start >= reached or end <= reached


#: Ways with overlaps; each is asked about a run of words, in reading order and longer runs
#: first, and told where the mentions accepted so far end.
OVERLAPS: dict[str, Callable[[int, int, int], bool]] = {"longest": longest, "nested": nested}
