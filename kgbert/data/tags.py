"""Tags of tokens (BIO, IOB1, IOBES) and the spans they stand for."""

import logging
import re
from collections.abc import Iterable, Sequence

logger = logging.getLogger(__name__)

#: ``O``, or where a token stands in its span (begin, inside, end or last, single or unit).
TAG = re.compile(r"O|[BIELSU]-\S.*")


def decode_tags(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (first token, end, label) of every span, as CoNLL's scorer reads them.

    A tag that cannot continue the span before it opens a new one, so every sequence that a model
    may predict has a reading.

    >>> decode_tags(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC')]
    >>> decode_tags(["S-PER", "B-PER", "E-PER", "E-PER"])
    [(0, 1, 'PER'), (1, 3, 'PER'), (3, 4, 'PER')]
    """
    spans: list[tuple[int, int, str]] = []
    previous = "O"
    for position, tag in enumerate(tags):
        if continues(previous, tag):
            start, _, label = spans[-1]
            spans[-1] = (start, position + 1, label)
        elif tag != "O":
            spans.append((position, position + 1, tag[2:]))
        previous = tag
    return spans


def continues(previous: str, tag: str) -> bool:
    """Return whether a tag goes on with the span of the tag before it.

    >>> continues("B-PER", "I-PER"), continues("B-PER", "I-LOC"), continues("E-PER", "I-PER")
    (True, False, False)
    """
    return tag[0] in "IEL" and previous[0] in "BI" and previous[1:] == tag[1:]


def check_tags(tags: Sequence[str]) -> None:
    """Raise ValueError for the first thing that is no tag.

    >>> check_tags(["O", "PER"])
    Traceback (most recent call last):
    ValueError: 'PER' is no tag; a tag is O or one of B- I- E- L- S- U- and a label, as B-PER is
    """
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise ValueError(
                f"{tag!r} is no tag; a tag is O or one of B- I- E- L- S- U- and a label, "
                "as B-PER is"
            )


def report_slips(sentences: Iterable[Sequence[tuple[int, str]]]) -> None:
    """Log how many (line, tag) pairs continue no span in a file where B- opens the spans.

    In BIO and IOBES a span begins with B-, in IOB1 it may begin with I-. A file that does both has
    slips, as published ones do; they are read as CoNLL's scorer reads them, but not silently.
    """
    begun, slips = False, []
    for sentence in sentences:
        before = "O"
        for line, tag in sentence:
            if tag[0] == "B":
                # After a span of its own label B- is IOB1's way, too, to open the next.
                begun = begun or before[1:] != tag[1:]
            elif tag[0] in "IEL" and not continues(before, tag):
                slips.append(f"line {line:,}: {tag} after {before}")
            before = tag
    if begun and slips:
        logger.warning(
            "%d tags continue no span although B- opens the spans here (first: %s); each was read "
            "as the beginning of a span: write B- there, or O where no span is meant",
            len(slips),
            slips[0],
        )
