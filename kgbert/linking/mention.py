"""The input and output types of linkers."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kgbert.utils.errors import KGBertError


class Candidate(NamedTuple):
    """An entity that a mention may refer to, by its id in the graph, with a score from 0 to 1."""

    entity: str
    score: float


class Mention(NamedTuple):
    """A span of the text as the user gave it, end exclusive, with its candidates, best first."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]


#: A linker is any callable from texts to the mentions of each, in reading order.
Linker = Callable[[Sequence[str]], list[list[Mention]]]


def as_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as a list of strings; they may be a numpy array or a pandas Series.

    Raises:
        KGBertError: It is a single text, or one of the texts is not a string.

    >>> import numpy as np
    >>> as_texts(np.array(["no fever", "cough"]))
    ['no fever', 'cough']
    """
    if isinstance(texts, str):
        raise KGBertError(
            f"a linker takes a list of texts, and this is a single text; give [{texts[:20]!r}].",
            code="single-text",
        )
    listed = []
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise KGBertError(
                f"text {number} is {text!r} of type {type(text).__name__}, but a linker takes "
                "strings; leave out missing texts, or write them as ''.",
                code="text-is-no-string",
            )
        listed.append(str(text))  # numpy's strings are a subclass
    return listed
