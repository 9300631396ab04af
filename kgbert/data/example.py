"""One labelled text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from kgbert.utils.errors import DataError, Remedy

#: Stands between the texts of an example where they are joined.
SEPARATOR = "\n"


@dataclass(frozen=True)
class Span:
    """A labelled span of a text, end exclusive, with its entity if known."""

    start: int
    end: int
    label: str
    entity: str = ""
    id: str = field(default="", repr=False, compare=False)
    """Name by which relations and events refer to the span."""
    fragments: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    """Start and end of each part of a discontinuous span; empty for a continuous one."""

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each part, a single one for a continuous span."""
        return self.fragments or ((self.start, self.end),)

    def words(self, text: str) -> str:
        """Return the characters of the span in its text, with dots where it is interrupted.

        >>> Span(0, 18, "Site", fragments=((0, 4), (15, 18))).words("left and right arm")
        'left ... arm'
        """
        return " ... ".join(text[start:end] for start, end in self.parts)


@dataclass(frozen=True)
class Example:
    """One row of a data set: a text, further inputs of the task, and the target.

    >>> example = Example("acute fever", spans=(Span(6, 11, "Phenotype"),))
    >>> [example.text[span.start : span.end] for span in example.spans]
    ['fever']
    >>> Example("fever", spans=(Span(0, 7, "Phenotype"),))
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: spans: 0 to 7 ('Phenotype') does not lie inside the text of 5 ...
    """

    text: str
    target: Any = None
    """The target in the form of its task, for example a label; None if it is unknown. Only the task
    interprets it."""
    spans: tuple[Span, ...] = ()
    """Labelled spans of the text in reading order, with their entities if known."""
    id: str = ""
    """Id of the document of the text; texts of one document stay in one part of a split."""
    arguments: tuple[Span, ...] = field(default=(), repr=False)
    """Head and tail of the relation to classify."""
    others: tuple[str, ...] = field(default=(), repr=False)
    """Further texts: the second text of a pair, a question, or its answer choices."""
    annotated_length: int | None = field(default=None, repr=False)
    """Number of annotated characters; unlabelled context follows. None if the whole text is."""
    place: str = field(default="", compare=False, repr=False)
    """File and line, or row, from which it was read, for messages; empty if made in memory."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts of the example."""
        return (self.text, *self.others)

    @property
    def joined(self) -> str:
        """All texts of the example as one text, to which the offsets of mentions refer."""
        return SEPARATOR.join(self.texts)

    def __post_init__(self) -> None:
        if len(self.arguments) not in (0, 2):
            raise DataError(
                f"{len(self.arguments)} argument(s) given; a relation has two, its head and its "
                "tail: arguments=(Span(0, 7, 'head'), Span(15, 18, 'tail'))",
                code="wrong-number-of-arguments",
            )
        check_inside(self.text, spans=self.spans, arguments=self.arguments)
        object.__setattr__(self, "spans", tuple(sorted(self.spans, key=lambda span: span.start)))


def check_inside(text: str, **spans: Iterable[Span]) -> None:
    """Raise DataError for a span outside of a text.

    Args:
        text: The text.
        **spans: The spans by the name of their column.
    """
    for name, span in ((name, span) for name, some in spans.items() for span in some):
        if not 0 <= span.start < span.end <= len(text):
            raise DataError(
                f"{name}: {_shown(span)} does not lie inside the text of {len(text):,} "
                "characters; offsets count characters (not bytes) from 0, the end is "
                "exclusive, and a span contains at least one character",
                code="span-outside-text",
            )


def disjoint(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans in reading order.

    Raises:
        DataError: Two of them overlap.

    >>> disjoint([Span(0, 5, "a"), Span(2, 12, "b")])
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: spans 0 to 5 ('a') and 2 to 12 ('b') overlap, and one tag a ...
    """
    ordered = sorted(spans, key=lambda span: span.start)
    for left, right in pairwise(ordered):
        if right.start < left.end:
            raise DataError(
                f"spans {_shown(left)} and {_shown(right)} overlap, and one tag a token "
                "cannot express both; keep the longer ones.",
                code="overlapping-spans",
                remedies=[Remedy("overlaps", "longest", owner="read_texts")],
            )
    return tuple(ordered)


def longest(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans that do not overlap a longer one; of equal ones the earlier is kept.

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
