"""Mark the two arguments of a relation in the input of a tokenizer."""

from collections.abc import Sequence
from typing import NamedTuple

from kgbert.data import Span
from kgbert.utils.errors import KGBertError, Remedy

#: Markers before and after head and tail. Every vocabulary has these signs, so that no new
#: embedding has to be learnt (Zhou & Chen 2022, arXiv:2102.01373).
MARKS = ("@", "#")


class MarkedText(NamedTuple):
    """A text with markers, and the positions of its characters in the original text."""

    text: str
    origins: Sequence[int] = ()
    """The position in the original text of each character of the marked text and of its end; empty
    without markers."""
    openings: tuple[int, ...] = ()
    """Positions of the opening markers of head and tail."""

    def own(self, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Convert offsets in the marked text to offsets in the original text."""
        if not self.origins:
            return list(offsets)
        return [(self.origins[start], self.origins[end]) for start, end in offsets]

    def opening_tokens(self, offsets: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Return the token of each opening marker, given the offsets in the marked text.

        Raises:
            KGBertError: The tokenizer cut off a marker.
        """
        tokens = [
            [token for token, (start, end) in enumerate(offsets) if start <= place < end]
            for place in self.openings
        ]
        if not all(tokens):
            raise KGBertError(
                f"an argument of {self.text[:60]!r} lies behind the {len(offsets):,} tokens that "
                "are kept of a text. Give only the sentence of the relation.",
                code="argument-cut-off",
                remedies=[Remedy("max_length", purpose="with more tokens if the backbone allows")],
            )
        return tuple(first for first, *_ in tokens)


def mark(text: str, arguments: Sequence[Span]) -> MarkedText:
    """Return a text with markers around its arguments, which can be nested.

    >>> marked = mark("aspirin blocks COX", [Span(0, 7, "head"), Span(15, 18, "tail")])
    >>> marked.text
    '@ aspirin @ blocks # COX #'
    >>> [marked.text[place:][:5] for place in marked.openings]
    ['@ asp', '# COX']
    """
    insertions = sorted(
        insertion
        for number, (span, sign) in enumerate(zip(arguments, MARKS, strict=True))
        # At the same position, end markers come first, and the longer argument is the outer one.
        for insertion in (
            (span.start, 1, -span.end, number, f"{sign} "),
            (span.end, 0, -span.start, -number, f" {sign}"),
        )
    )
    marked, origins, last = "", list[int](), 0
    openings: dict[int, int] = {}
    for place, opens, _, number, words in insertions:
        marked, origins = marked + text[last:place], [*origins, *range(last, place)]
        if opens:
            openings[number] = len(marked)
        marked, origins, last = marked + words, [*origins, *[place] * len(words)], place
    origins += range(last, len(text) + 1)
    return MarkedText(marked + text[last:], origins, tuple(openings[i] for i in sorted(openings)))
