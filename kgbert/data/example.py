"""One labelled text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """A labelled piece of a text, end exclusive, and the entity it names where that is known."""

    start: int
    end: int
    label: str
    entity: str = ""


@dataclass(frozen=True)
class Example:
    """A text with the label of the whole, or with labelled spans in reading order.

    Where the label is that of a relation, ``arguments`` are its head and its tail.

    >>> example = Example("acute fever", spans=(Span(6, 11, "Phenotype"),))
    >>> [example.text[span.start : span.end] for span in example.spans]
    ['fever']
    >>> Example("fever", spans=(Span(0, 7, "Phenotype"),))
    Traceback (most recent call last):
    ValueError: span 0 to 7 ('Phenotype') does not lie inside the text of 5 characters; ...
    """

    text: str
    label: str = ""
    spans: tuple[Span, ...] = ()
    id: str = ""
    arguments: tuple[Span, ...] = field(default=(), repr=False)
    own_length: int | None = field(default=None, repr=False)
    """Where words were appended, the length of the text itself: nobody has labelled the rest."""

    def __post_init__(self) -> None:
        if len(self.arguments) not in (0, 2):
            raise ValueError(
                f"{len(self.arguments)} argument(s) given; a relation has two, its head and its "
                "tail: arguments=(Span(0, 7, 'head'), Span(15, 18, 'tail'))"
            )
        for span in (*self.spans, *self.arguments):
            if not 0 <= span.start < span.end <= len(self.text):
                raise ValueError(
                    f"span {_shown(span)} does not lie inside the text of {len(self.text):,} "
                    "characters; offsets count characters (not bytes) from 0, the end is "
                    "exclusive, and a span holds at least one character"
                )
        ordered = sorted(self.spans, key=lambda span: span.start)
        for left, right in pairwise(ordered):
            if right.start < left.end:
                raise ValueError(
                    f"spans {_shown(left)} and {_shown(right)} overlap, and one tag a token "
                    "cannot say both; keep the longer ones with "
                    "read_texts(..., overlaps='longest')"
                )
        object.__setattr__(self, "spans", tuple(ordered))


def longest(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans that overlap no longer one; of equals the earlier stays.

    >>> longest([Span(0, 5, "a"), Span(2, 12, "b"), Span(12, 14, "c"), Span(12, 14, "d")])
    (Span(start=2, end=12, label='b', entity=''), Span(start=12, end=14, label='c', entity=''))
    """
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(sorted(kept, key=lambda span: span.start))


def _shown(span: Span) -> str:
    return f"{span.start} to {span.end} ({span.label!r})"
