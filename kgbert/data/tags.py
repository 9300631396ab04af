"""Tag schemes (BIO, IOB1, IOBES, BILOU, IO), and decoding of tags to spans."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kgbert.utils.errors import DataError

logger = logging.getLogger(__name__)

#: The tag of a token outside of all spans.
OUTSIDE = "O"

#: The label between the tags of triggers and the roles of arguments: no argument.
NO_ARGUMENT = "no argument"

#: The label of spans whose tags have none, as in corpora with one entity type.
DEFAULT_LABEL = "entity"

#: Positions in a span: begin, inside or middle, end or last, single, unit or whole.
_POSITIONS = "BIMELSUW"
_CANONICAL = str.maketrans("MW", "IS")

#: ``O``, or a position in a span and a label.
TAG = re.compile(rf"O|[{_POSITIONS}][-_]\S.*")


@dataclass(frozen=True)
class TagScheme:
    """A scheme of tags."""

    pattern: re.Pattern[str]
    """The pattern of every tag in this scheme."""
    translate: Callable[[str], str]
    """Returns a tag other than ``O`` as position, hyphen and label."""

    def standard_form(self, tag: str) -> str:
        """Return a tag as ``O`` or as position, hyphen and label.

        Raises:
            DataError: It is not a tag of this scheme.
        """
        if not self.pattern.fullmatch(tag):
            raise DataError(
                f"{tag!r} is not a tag; expected O, or one of B- I- E- L- S- U- and a label, for "
                "example B-PER",
                code="unknown-tag",
            )
        return OUTSIDE if tag == OUTSIDE else self.translate(tag)


def detect_scheme(tags: Iterable[str]) -> TagScheme:
    """Return the scheme of all tags of a file; the standard one if none fits.

    >>> [detect_scheme(tags).standard_form(tags[0]) for tags in (
    ...     ["I-Sign", "O"], ["B", "I", "O"], ["Sign-B", "Sign-I"], ["Sign", "O"])]
    ['I-Sign', 'B-entity', 'B-Sign', 'I-Sign']
    """
    distinct = set(tags)
    for scheme, is_plausible in SCHEMES:
        if is_plausible(distinct) and all(map(scheme.pattern.fullmatch, distinct)):
            return scheme
    return STANDARD_SCHEME


def decode_tags(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (first token, end, label) of every span, as the CoNLL scorer decodes tags.

    A tag that cannot continue the previous span begins a new one, so every predicted sequence can
    be decoded.

    >>> decode_tags(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [(0, 2, 'PER'), (3, 4, 'LOC'), (4, 5, 'LOC')]
    >>> decode_tags(["S-PER", "B-PER", "E-PER", "E-PER"])
    [(0, 1, 'PER'), (1, 3, 'PER'), (3, 4, 'PER')]
    """
    spans: list[tuple[int, int, str]] = []
    previous = OUTSIDE
    for position, tag in enumerate(tags):
        if continues(previous, tag):
            start, _, label = spans[-1]
            spans[-1] = (start, position + 1, label)
        elif tag != OUTSIDE:
            spans.append((position, position + 1, tag[2:]))
        previous = tag
    return spans


def continues(previous: str, tag: str) -> bool:
    """Return whether a tag continues the span of the previous tag.

    >>> continues("B-PER", "I-PER"), continues("B-PER", "I-LOC"), continues("E-PER", "I-PER")
    (True, False, False)
    """
    return tag[0] in "IEL" and previous[0] in "BI" and previous[1:] == tag[1:]


def check_tags(tags: Sequence[str]) -> None:
    """Raise DataError for the first string that is not a tag.

    >>> check_tags(["O", "PER"])
    Traceback (most recent call last):
    kgbert.utils.errors.DataError: 'PER' is not a tag; expected O, or one of B- I- E- L- S- U- ...
    """
    for tag in tags:
        STANDARD_SCHEME.standard_form(tag)


def warn_of_inconsistent_tags(sentences: Iterable[Sequence[tuple[object, str]]]) -> None:
    """Log how many (place, tag) pairs continue no span in a file whose spans begin with B-.

    In BIO and IOBES a span begins with B-, in IOB1 it can begin with I-. A file with both has
    inconsistent tags, as some published files do; they are decoded as the CoNLL scorer does.
    """
    has_openings, inconsistent = False, []
    for sentence in sentences:
        before = OUTSIDE
        for place, tag in sentence:
            if tag[0] == "B":
                # IOB1 also uses B-, for a span directly after another one with the same label.
                has_openings = has_openings or before[1:] != tag[1:]
            elif tag[0] in "IEL" and not continues(before, tag):
                inconsistent.append(f"{place}: {tag} after {before}")
            before = tag
    if has_openings and inconsistent:
        logger.warning(
            "%d tags continue no span although B- opens the spans here (first: %s); each was read "
            "as the beginning of a span: write B- there, or O where no span is meant",
            len(inconsistent),
            inconsistent[0],
        )


def _prefixed(tag: str) -> str:
    return f"{tag[0].translate(_CANONICAL)}-{tag[2:]}"


def _suffixed(tag: str) -> str:
    return f"{tag[-1].translate(_CANONICAL)}-{tag[:-2]}"


def _bare(tag: str) -> str:
    return f"{tag.translate(_CANONICAL)}-{DEFAULT_LABEL}"


STANDARD_SCHEME = TagScheme(TAG, _prefixed)
BARE_SCHEME = TagScheme(re.compile(f"[O{_POSITIONS}]"), _bare)
_SUFFIXED = TagScheme(re.compile(rf"O|\S.*[-_][{_POSITIONS}]"), _suffixed)
#: A label without position: adjacent tokens with one label are one span.
_LABELS = TagScheme(re.compile(r"[^\s_-].*"), "I-{}".format)

#: The schemes with a test of the tags of a file; the first that fits is used. Any column of strings
#: matches the scheme of bare labels, so it also requires tokens outside of spans.
SCHEMES: tuple[tuple[TagScheme, Callable[[set[str]], bool]], ...] = (
    (STANDARD_SCHEME, lambda tags: True),
    (BARE_SCHEME, lambda tags: not tags.isdisjoint("BI")),
    (_SUFFIXED, lambda tags: True),
    (_LABELS, lambda tags: OUTSIDE in tags and not any(map(_has_position, tags))),
)


def _has_position(tag: str) -> bool:
    return tag != OUTSIDE and TAG.fullmatch(tag) is not None
