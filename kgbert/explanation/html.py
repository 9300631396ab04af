"""Render explanations as one self-contained HTML page."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kgbert.explanation.methods import METHODS
from kgbert.explanation.results import NEGLIGIBLE, AnswerExplanation, Explanation
from kgbert.explanation.summary import summarize_explanations
from kgbert.reporting.page import render_page
from kgbert.utils.atomic_write import write_atomically

#: Number of shades of a contribution in the text.
SHADES = 5
#: Words with at least this share of the largest contribution show their number in the text.
NUMBERED = 0.25
#: More mentions, or texts of labels, than this are shown on demand.
SHOWN_PARTS = 12

#: The explanations of more texts are folded.
OPEN_TEXTS = 3
#: More texts of a part are only counted.
SHOWN_TEXTS = 20


class TextSegment(NamedTuple):
    """A part of a text that lies in the same word and the same mentions."""

    text: str
    value: float | None
    """The contribution of its word; None outside of words."""
    shade: int
    """From 0, no colour, to :data:`SHADES`."""
    numbered: bool
    """Whether the number of the word is shown, above the last segment of the word."""
    mentioned: bool
    ending: tuple[int, ...]
    """Numbers, from one in reading order, of the mentions that end at its end."""

    @property
    def sign(self) -> str:
        """The CSS class of the direction."""
        return side_of(self.value)


def write_explanations(explanations: Sequence[Explanation], path: str | Path) -> Path:
    """Write explanations as one self-contained HTML page, and return its path."""
    return write_atomically(path, render_explanations(explanations))


def render_explanations(explanations: Sequence[Explanation]) -> str:
    """Return explanations as one self-contained HTML page."""
    methods = dict.fromkeys(each.method for each in explanations)
    return render_page(
        Path(__file__).with_name("explanation.html"),
        {
            "explanations": explanations,
            "summary": summarize_explanations(explanations) if len(explanations) > 1 else None,
            "methods": [(name, METHODS[name].description) for name in methods],
            "seconds": sum(each.seconds for each in explanations),
            "segments": segments,
            "bar": bar_of,
            "side": side_of,
            "signed": signed_number,
            "shown_parts": SHOWN_PARTS,
            "shown_texts": SHOWN_TEXTS,
            "open_texts": OPEN_TEXTS,
            "largest": largest,
        },
    )


def segments(text: str, answer: AnswerExplanation) -> Iterator[TextSegment]:
    """Yield the segments of a text between the boundaries of words and mentions."""
    edges = {0, len(text)}
    edges |= {place for word in answer.words for place in (word.start, word.end)}
    edges |= {place for mention in answer.mentions for place in (mention.start, mention.end)}
    strongest = max((abs(x.value) for x in answer.words if side_of(x.value) != "none"), default=0.0)
    for start, end in pairwise(sorted(edges)):
        word = next((x for x in answer.words if x.start <= start and end <= x.end), None)
        numbers = [
            (number, x)
            for number, x in enumerate(answer.mentions, start=1)
            if x.start <= start and end <= x.end
        ]
        share = abs(word.value) / strongest if word and strongest else 0.0
        yield TextSegment(
            text[start:end],
            None if word is None else word.value,
            round(SHADES * share),
            word is not None and share >= NUMBERED and end == word.end,
            bool(numbers),
            tuple(number for number, x in numbers if x.end == end),
        )


def largest(answer: AnswerExplanation) -> float:
    """Return the largest contribution of a part of the graph, the scale of all bars."""
    values: list[float | None] = [
        value
        for mention in answer.mentions
        for value in (
            mention.value,
            *(entity.value for entity in mention.entities),
            *(edge.value for entity in mention.entities for edge in entity.edges),
        )
    ]
    values += [path.value for path in answer.paths]
    values += [text.value for text in answer.labels]
    return max((abs(value) for value in values if value is not None), default=0.0)


def bar_of(value: float | None, scale: float) -> float:
    """Return the length of a bar in percent of half of its axis.

    >>> bar_of(-1.0, 4.0), bar_of(None, 4.0)
    (25.0, 0.0)
    """
    return 0.0 if value is None or side_of(value) == "none" else round(100 * abs(value) / scale, 1)


def signed_number(value: float) -> str:
    """Return a contribution with its sign, and with one digit at least if it is small.

    >>> signed_number(1.234), signed_number(-0.0042), signed_number(1e-7)
    ('+1.23', '-0.004', '0')
    """
    if abs(value) >= 0.01:
        return f"{value:+.2f}"
    if abs(value) < NEGLIGIBLE:
        return "0"
    return f"{value:+.1g}" if abs(value) >= 1e-4 else f"{value:+.5f}"


def side_of(value: float | None) -> str:
    """Return the CSS class of a contribution: for or against the answer, or none.

    >>> side_of(0.5), side_of(-0.5), side_of(None)
    ('for', 'against', 'none')
    """
    if value is None or abs(value) < NEGLIGIBLE:
        return "none"
    return "for" if value > 0 else "against"
