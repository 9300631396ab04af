"""One labelled text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from kgbert.utils.errors import DataError, Remedy


@dataclass(frozen=True)
class Span:
    """A labelled piece of a text, end exclusive, and the entity it names where that is known."""

    start: int
    end: int
    label: str
    entity: str = ""


@dataclass(frozen=True)
class Example:
    """One row of a data set: a text, what else is asked about, and the right answer.

    >>> example = Example("acute fever", spans=(Span(6, 11, "Phenotype"),))
    >>> [example.text[span.start : span.end] for span in example.spans]
    ['fever']
    >>> Example("fever", spans=(Span(0, 7, "Phenotype"),))
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: span 0 to 7 ('Phenotype') does not lie inside the text of 5 ...
    """

    text: str
    target: Any = None
    """The right answer in its task's own form, a label for example; None where it is unknown.
    Nothing but the task may look inside."""
    spans: tuple[Span, ...] = ()
    """Labelled spans of the text in reading order, with the entities that they mention if known."""
    id: str = ""
    """Of the document that the text is from: texts of one document stay in one part of a split."""
    arguments: tuple[Span, ...] = field(default=(), repr=False)
    """Head and tail of the relation that is asked about."""
    others: tuple[str, ...] = field(default=(), repr=False)
    """Further texts that the task reads: the second of a pair, a question, the choices of one."""
    own_length: int | None = field(default=None, repr=False)
    """Where words were appended, the length of the text itself: nobody has labelled the rest."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts of the example."""
        return (self.text, *self.others)

    def __post_init__(self) -> None:
        if len(self.arguments) not in (0, 2):
            raise DataError(
                f"{len(self.arguments)} argument(s) given; a relation has two, its head and its "
                "tail: arguments=(Span(0, 7, 'head'), Span(15, 18, 'tail'))",
                code="wrong-number-of-arguments",
            )
        for span in (*self.spans, *self.arguments):
            if not 0 <= span.start < span.end <= len(self.text):
                raise DataError(
                    f"span {_shown(span)} does not lie inside the text of {len(self.text):,} "
                    "characters; offsets count characters (not bytes) from 0, the end is "
                    "exclusive, and a span holds at least one character",
                    code="span-outside-text",
                )
        object.__setattr__(self, "spans", tuple(sorted(self.spans, key=lambda span: span.start)))


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
