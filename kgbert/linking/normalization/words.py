"""Split a folded text into words, so that no name matches inside another word."""

import re
import unicodedata
from functools import cache

#: Scripts that put no space between words: Thai, Lao, Myanmar, Khmer, kana, Han.
#: Each of their characters is a word of its own, so names may begin and end anywhere.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)

#: The words for a hyphen between two words, and for a free-standing one.
JOINER = "-"
DASH = "\u2014"

#: The word for a blank line; no name contains it, so no mention crosses a paragraph.
PARAGRAPH = "\0"

_HYPHENS = "-_\u2010\u2012\u2013\u2212"
_ANY_HYPHEN = re.compile(rf"[{_HYPHENS}]")
_ASCII_HYPHEN = re.compile("[-_]")
_BLANK_LINE = re.compile(r"\n\s*\n")


def split_words(folded: str) -> list[str]:
    """Return the words of a folded text, split at whitespace and punctuation.

    >>> split_words("crohn's x-linked, type 2")
    ["crohn's", 'x', '-', 'linked', ',', 'type', '2']
    >>> split_words("발열 頭痛")
    ['발열', '頭', '痛']
    """
    return split_words_and_gaps(folded)[1::2]


def split_words_and_gaps(folded: str) -> list[str]:
    """Return a folded text as alternating whitespace and words; whitespace comes first and last.

    The pieces have their lengths in the text, so that their cumulative sums are offsets.

    >>> split_words_and_gaps(" a b-c")
    [' ', 'a', ' ', 'b', '', '-', '', 'c', '']
    """
    if not folded.isascii():
        return _unicode_pattern().split(_paragraphed(_ANY_HYPHEN.sub(_hyphen, folded)))
    if "-" in folded or "_" in folded:
        folded = _ASCII_HYPHEN.sub(_hyphen, folded)
    return _ASCII.split(_paragraphed(folded))


def _paragraphed(folded: str) -> str:
    if "\n" not in folded:
        return folded
    return _BLANK_LINE.sub(lambda blank: PARAGRAPH.ljust(len(blank.group())), folded)


def _hyphen(match: re.Match[str]) -> str:
    start, end = match.span()
    joins = start > 0 and end < len(match.string) and match.string[start - 1].isalnum()
    return JOINER if joins and match.string[end].isalnum() else DASH


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"({word}|[^\w\s])")


_ASCII = _pattern(r"[a-z0-9]+(?:'[a-z0-9]+)*")


@cache
def _unicode_pattern() -> re.Pattern[str]:
    # Python's \w leaves out combining marks, which would cut Indic and Arabic words apart.
    marks = "".join(
        character
        for character in map(chr, range(0x300, 0x1E960))
        if unicodedata.category(character)[0] == "M"
    )
    letter = rf"(?:[^\W_{UNSPACED}][{marks}]*)"
    return _pattern(rf"[{UNSPACED}][{marks}]*|{letter}+(?:'{letter}+)*")
