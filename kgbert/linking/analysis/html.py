"""Render linked texts as one self-contained HTML page with highlighted mentions."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kgbert.linking.analysis.records import LinkedMention, LinkedText
from kgbert.reporting import page

#: A mention is uncertain if its best score is below SURE, or if the second is less than NEAR lower.
SURE = 0.8
NEAR = 0.05


class TextSegment(NamedTuple):
    """A part of a text that is covered by the same mentions."""

    text: str
    covered: bool
    doubtful: bool
    ending: tuple[int, ...]
    """Numbers, from one, of the mentions that end at its end."""


def render_page(texts: Sequence[LinkedText], *, title: str, note: str) -> str:
    """Return linked texts as one self-contained HTML page."""
    values = {
        "title": title,
        "note": note,
        "texts": [(text, list(segments(text))) for text in texts],
        "doubtful": is_uncertain,
    }
    return page.render_page(Path(__file__).with_name("page.html"), values)


def segments(text: LinkedText) -> Iterator[TextSegment]:
    """Yield the segments of a text between the boundaries of mentions, which can overlap.

    >>> mentions = (LinkedMention(2, 7, "fever", ()), LinkedMention(2, 12, "fever pain", ()))
    >>> for segment in segments(LinkedText("", "a fever pain", mentions)):
    ...     print(segment.text, segment.covered, segment.ending)
    a  False ()
    fever True (1,)
     pain True (2,)
    """
    edges = {0, len(text.text)}
    for mention in text.mentions:
        edges |= {mention.start, mention.end}
    for start, end in pairwise(sorted(edges)):
        covering = [
            (number, mention)
            for number, mention in enumerate(text.mentions, start=1)
            if mention.start <= start and end <= mention.end
        ]
        yield TextSegment(
            text.text[start:end],
            bool(covering),
            any(is_uncertain(mention) for _, mention in covering),
            tuple(number for number, mention in covering if mention.end == end),
        )


def is_uncertain(mention: LinkedMention) -> bool:
    """Return whether the best candidate has a low score, or a second candidate a similar one."""
    scores = [candidate.score for candidate in mention.candidates]
    return not scores or scores[0] < SURE or (len(scores) > 1 and scores[0] - scores[1] < NEAR)
