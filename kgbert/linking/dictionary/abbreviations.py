"""Abbreviations that a text itself defines: "polycystic kidney disease (PKD)"."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.words import UNSPACED

#: Longest short form, in characters and in words.
MAX_SHORT_LENGTH = 10
MAX_SHORT_WORDS = 2

#: Opening brackets; Chinese and Japanese texts have wide ones.
_OPENING = re.compile(r"[(\[（［]")
#: The content of brackets, up to the first comma or semicolon.
_BRACKETS = re.compile(r"[(\[（［]([^()\[\]（）［］;,]*)(?:[;,][^()\[\]（）［］]*)?[)\]）］]")
_PART = re.compile(r"[^\s/-]+")

#: The end of a text in a script without spaces, where brackets begin a new word.
_UNSPACED_END = re.compile(rf"[{UNSPACED}]$")

#: A short form of a name without its letters has at least two capitals.
_CAPITALS = re.compile(r"(?=(?:.*[A-Z]){2})[A-Za-z0-9-]+")


#: Characters in front of brackets that are searched for a long form: bounds the time for texts with
#: many brackets.
_CONTEXT = 1000


class Definition(NamedTuple):
    """A short form and the span of the long form that the text gives for it."""

    short: str
    start: int
    end: int


def find_definitions(text: str, spans: Iterable[tuple[int, int]] = ()) -> list[Definition]:
    """Return the short forms that a text defines, and where it spells them out.

    The method is that of Schwartz and Hearst (2003, "A simple algorithm for identifying
    abbreviation definitions in biomedical text"): the letters of the short form are searched
    in the long form from right to left, and the first letter must begin a word. Consecutive words
    whose initials are these letters take precedence. A word in capitals in brackets is also a
    short form of a known span right before them, as in "tacrolimus (FK506)".

    Args:
        text: The text as the user gave it.
        spans: Start and end of mentions that are known.

    >>> text = "polycystic kidney disease (PKD) or NO (nitric oxide) (see Table 1)"
    >>> [(short, text[start:end]) for short, start, end in find_definitions(text)]
    [('PKD', 'polycystic kidney disease'), ('NO', 'nitric oxide')]
    >>> find_definitions("tacrolimus (FK506)"), find_definitions("tacrolimus (FK506)", [(0, 10)])
    ([], [Definition(short='FK506', start=0, end=10)])
    """
    if not has_brackets(text):
        return []
    # By the end of each known span, where the longest one begins.
    known: dict[int, int] = {}
    for start, end in spans:
        known[end] = min(start, known.get(end, start))
    found = (_definition(brackets, text, known) for brackets in _BRACKETS.finditer(text))
    return [definition for definition in found if definition]


def has_brackets(text: str) -> bool:
    """Return whether a text has brackets, without which it defines no abbreviation."""
    return "(" in text or "[" in text or (not text.isascii() and bool(_OPENING.search(text)))


def _definition(brackets: re.Match[str], text: str, known: Mapping[int, int]) -> Definition | None:
    """Return what a pair of brackets defines; ``known`` maps ends of mentions to their starts."""
    inside = brackets.group(1).strip()
    first = max(0, brackets.start() - _CONTEXT)
    context = text[first : brackets.start()]
    if _is_short_form(inside):
        before = context.rstrip()
        end = first + len(before)
        start = _long_form_start(inside, before)
        if start is not None:
            return Definition(inside, first + start, end)
        apart = len(before) < len(context) or _UNSPACED_END.search(before[-1:])
        if apart and end in known and _CAPITALS.fullmatch(inside):
            return Definition(inside, known[end], end)
        return None
    # The other way round: "NO (nitric oxide)".
    outside = context.rsplit(None, 1)[-1:]
    if inside and outside and _is_short_form(outside[-1]):
        start = brackets.start(1) + brackets.group(1).index(inside)
        if _long_form_start(outside[-1], inside) == 0:
            return Definition(outside[-1], start, start + len(inside))
    return None


def link_short_forms(
    text: str, mentions: list[Mention], candidates_of: Callable[[str], tuple[Candidate, ...]]
) -> list[Mention]:
    """Return the mentions, with each defined short form linked as its long form.

    A defined short form whose long form is not in the graph is not linked, even if the graph
    contains the short form.

    Args:
        text: The text as the user gave it.
        mentions: Mentions of the text, in reading order.
        candidates_of: Returns the candidates of a long form.

    >>> from kgbert.linking.mention import Candidate
    >>> kidney = Mention(0, 25, (Candidate("E:1", 1.0),))
    >>> text = "polycystic kidney disease (PKD)"
    >>> for mention in link_short_forms(text, [kidney], lambda _: kidney.candidates):
    ...     print(mention)
    Mention(start=0, end=25, candidates=(Candidate(entity='E:1', score=1.0),))
    Mention(start=27, end=30, candidates=(Candidate(entity='E:1', score=0.95),))
    """
    defined = find_definitions(text, [mention[:2] for mention in mentions])
    if not defined:
        return mentions
    known = {(mention.start, mention.end): mention.candidates for mention in mentions}
    meanings = {
        short: tuple(
            Candidate(entity, abbreviation_score(score))
            for entity, score in known.get((start, end)) or candidates_of(text[start:end])
        )
        for short, start, end in reversed(defined)
    }
    shorts = [
        Mention(start, end, meanings[short])
        for short in meanings
        for start, end in _occurrences(short, text)
    ]
    longer = _Spans(mention[:2] for mention in mentions)
    kept = [short for short in shorts if not longer.contain(*short[:2])]
    defined_spans = _Spans(short[:2] for short in kept)
    others = [mention for mention in mentions if not defined_spans.overlap(*mention[:2])]
    return sorted([*others, *(short for short in kept if short.candidates)])


class _Spans:
    """Spans that are searched in logarithmic time."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        # Of each span and all before it, the largest end.
        self._ends = list(accumulate((end for _, end in ordered), max))
        self._longest = dict(ordered)

    def contain(self, start: int, end: int) -> bool:
        """Return whether a span other than this one contains it."""
        before = bisect_left(self._starts, start)
        reach = self._ends[before - 1] if before else -1
        return reach >= end or self._longest.get(start, -1) > end

    def overlap(self, start: int, end: int) -> bool:
        """Return whether a span overlaps this one."""
        before = bisect_left(self._starts, end)
        return bool(before) and self._ends[before - 1] > start


def abbreviation_score(score: float) -> float:
    """Return the score of a short form whose long form has this score."""
    return round(score * RULES["abbreviations"].factor, 4)


def _is_short_form(text: str) -> bool:
    # Most brackets contain lower-case words, so the cheap check that rejects them comes early.
    return (
        2 <= len(text) <= MAX_SHORT_LENGTH
        and not text.islower()
        and text[0].isalnum()
        and len(text.split()) <= MAX_SHORT_WORDS
        and any(map(str.isupper, text))
    )


def _long_form_start(short: str, before: str) -> int | None:
    """Return where the long form of a short form begins in the words before it, or None."""
    letters = [letter for letter in _caseless(short) if letter.isalnum()]
    if not letters:
        return None
    floor = _begin_of_last_words(before, min(len(letters) + 5, 2 * len(letters)))
    parts = list(_PART.finditer(before, floor))[-len(letters) :]
    caseless = _caseless(before)
    if [caseless[part.start()] for part in parts] == letters and len(letters) > 1:
        return parts[0].start()
    position = len(before)
    for letter in reversed(letters[1:]):
        if (position := caseless.rfind(letter, floor, position)) < 0:
            return None
    position = _last_begin(letters[0], caseless, floor, position)
    if position < 0:
        return None
    # A phrase that contains the short form is not its long form.
    spells = len(before) - position > len(short) and short not in before[position:]
    return position if spells else None


def _begin_of_last_words(text: str, count: int) -> int:
    """Return where the last ``count`` words of a text begin; 0 if it has at most so many."""
    words = text.rsplit(None, count)
    if len(words) <= count:
        return 0
    return len(text) - len(text[len(words[0]) :].lstrip())


def _last_begin(letter: str, text: str, floor: int, end: int) -> int:
    """Return the last start of a word with this initial between floor and end, or -1."""
    position = text.rfind(letter, floor, end)
    while position > 0 and text[position - 1].isalnum():
        position = text.rfind(letter, floor, position)
    return position


def _caseless(text: str) -> str:
    """Return a text in folded case, except for what would change its length."""
    if text.isascii():
        return text.lower()
    folded = ((character, character.casefold()) for character in text)
    return "".join(new if len(new) == 1 else old for old, new in folded)


def _occurrences(short: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of a short form as a separate word; a plural s may follow."""
    start = text.find(short)
    while start >= 0:
        end = start + len(short)
        end += text[end : end + 1] == "s" and not _is_inside(text[end + 1 : end + 2])
        if not _is_inside(text[start - 1 : start]) and not _is_inside(text[end : end + 1]):
            yield start, end
        start = text.find(short, end)


def _is_inside(neighbour: str) -> bool:
    """Return whether a word continues with this character, which can be empty."""
    return (neighbour.isalnum() or neighbour == "_") and not _UNSPACED_END.match(neighbour)
