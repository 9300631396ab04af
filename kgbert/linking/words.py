"""Cut a folded text into words, so that no name is ever found inside another word."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

#: Scripts that put no space between words: Thai, Lao, Myanmar, Khmer, kana, Han.
#: Each of their characters is a word of its own, so names may begin and end anywhere.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)

#: Characters that join two words when they stand between them without a space.
HYPHENS = "-_\u2010\u2012\u2013\u2014\u2212"

#: The word that a blank line becomes; no name holds it, so no mention crosses a paragraph.
PARAGRAPH = "\n"

#: The word that a dash becomes where it separates instead of joining.
DASH = "\u2014"


class Word(NamedTuple):
    """A word, number or punctuation mark, and its span in the folded text."""

    text: str
    start: int
    end: int


def words_of(folded: str) -> list[Word]:
    """Return the words of a folded text; blanks separate, punctuation stands alone.

    >>> [word.text for word in words_of("crohn's x-linked, type 2")]
    ["crohn's", 'x', '-', 'linked', ',', 'type', '2']
    >>> [word.text for word in words_of("발열 頭痛")]
    ['발열', '頭', '痛']
    """
    pattern = _ASCII if folded.isascii() else _unicode_pattern()
    return [_word(match) for match in pattern.finditer(folded)]


def _word(match: re.Match[str]) -> Word:
    start, end = match.span()
    text = match.group()
    if match.lastgroup is None:
        return Word(text, start, end)
    return Word(_ODD_GROUPS[match.lastgroup], start, end)


#: What the named groups of the patterns stand for; all other matches stand for themselves.
_ODD_GROUPS = {"joiner": "-", "dash": DASH, "blank": PARAGRAPH}


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(
        rf"{word}"
        rf"|(?<=[^\W_])(?P<joiner>[{HYPHENS}])(?=[^\W_])"
        rf"|(?P<dash>[{HYPHENS}])"
        rf"|(?P<blank>\n\s*\n\s*)"
        rf"|[^\w\s]"
    )


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
    return _pattern(rf"[{UNSPACED}][{marks}]*|{letter}+(?:['’]{letter}+)*")
