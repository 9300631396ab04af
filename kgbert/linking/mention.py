"""What a linker returns."""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Candidate(NamedTuple):
    """An entity that a mention may mean, by its id in the graph, and how well it fits (0 to 1)."""

    entity: str
    score: float


class Mention(NamedTuple):
    """A span of the text as the user gave it, end exclusive, and what it may mean, best first."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]


#: A linker is any callable from texts to the mentions of each, in reading order.
Linker = Callable[[Sequence[str]], list[list[Mention]]]
