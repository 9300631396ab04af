"""Show linked texts as one HTML page that stands alone, the mentions marked in the text."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kgbert.linking.analysis.records import LinkedMention, LinkedText
from kgbert.reporting import page

#: A mention is marked as doubtful below this score, or with a rival this near to the best.
SURE = 0.8
NEAR = 0.05


class TextSegment(NamedTuple):
    """A piece of text that the same mentions cover."""

    text: str
    covered: bool
    doubtful: bool
    ending: tuple[int, ...]
    """Numbers, from one, of the text's mentions that end where it does."""


def render_page(texts: Sequence[LinkedText], *, title: str, note: str) -> str:
    """Return linked texts as one HTML page that loads nothing from elsewhere."""
    values = {
        "title": title,
        "note": note,
        "texts": [(text, list(segments(text))) for text in texts],
        "doubtful": is_uncertain,
    }
    return page.render_page(Path(__file__).with_name("page.html"), values)


def segments(text: LinkedText) -> Iterator[TextSegment]:
    """Yield a text cut where mentions begin and end, whether or not they overlap.

    >>> mentions = (LinkedMention(2, 7, "fever", ()), LinkedMention(2, 12, "fever pain", ()))
    >>> for stretch in segments(LinkedText("", "a fever pain", mentions)):
    ...     print(stretch.text, stretch.covered, stretch.ending)
    a  False ()
    fever True (1,)
     pain True (2,)
    """
    edges = {0, len(text.text)}
    for mention in text.mentions:
        edges |= {mention.start, mention.end}
    for start, end in pairwise(sorted(edges)):
        around = [
            (number, mention)
            for number, mention in enumerate(text.mentions, start=1)
            if mention.start <= start and end <= mention.end
        ]
        yield TextSegment(
            text.text[start:end],
            bool(around),
            any(is_uncertain(mention) for _, mention in around),
            tuple(number for number, mention in around if mention.end == end),
        )


def is_uncertain(mention: LinkedMention) -> bool:
    """Tell whether a mention's best candidate has a low score, or a rival near it."""
    scores = [candidate.score for candidate in mention.candidates]
    return not scores or scores[0] < SURE or (len(scores) > 1 and scores[0] - scores[1] < NEAR)
