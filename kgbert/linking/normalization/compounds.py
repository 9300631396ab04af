"""Spelling variants of compounds of letters, digits, dots and Greek letters."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from kgbert.linking.normalization.spelling import GREEK_NAMES

#: A name as its words.
Words = tuple[str, ...]

#: Longest stem, in letters, to which a Greek letter or a number is glued.
_LONGEST_STEM = 6

_SPELT_OUT = "|".join(dict.fromkeys(GREEK_NAMES.values()))
#: Names of letters that end few other words.
_LONG_NAMES = "|".join(name for name in dict.fromkeys(GREEK_NAMES.values()) if len(name) > 3)
#: A word with a Greek letter: stem, number, letter and tail, of which only the letter is necessary.
_GREEK_WORDS = (
    re.compile(rf"()([0-9]{{0,2}})([α-ω]|{_SPELT_OUT})([a-z]|[0-9]{{0,3}})"),
    re.compile(
        rf"([a-z][a-z0-9]{{0,{_LONGEST_STEM - 1}}}?)([0-9]{{0,2}})([α-ω])([a-z]?[0-9]{{0,3}})"
    ),
    re.compile(rf"([a-z]{{1,{_LONGEST_STEM}}})([0-9]{{1,2}})({_SPELT_OUT})([0-9]{{0,3}})"),
    re.compile(rf"([a-z]{{2,{_LONGEST_STEM}}})()({_LONG_NAMES})([a-z]|[0-9]{{0,3}})"),
)
#: The words before a Greek letter that belong to it.
_SHORT_NUMBER = re.compile("[0-9]{1,2}")
_STEM = re.compile(rf"(?=.{{1,{_LONGEST_STEM}}}$)([a-z][a-z0-9]*?)([0-9]{{0,2}})")
_INITIALS = re.compile(r"[^\W\d_]{1,2}")
_SHORT = re.compile("[a-z]|[0-9]{1,2}")
_LETTERS = re.compile(r"[a-z]{1,5}")
_DIGITS = re.compile(r"[0-9]{1,4}[a-z]?")
_LETTERS_DIGITS = re.compile(r"([a-z]{1,5})([0-9]{1,4}[a-z]?)")
_DIGITS_LETTERS = re.compile(r"([0-9]{1,2})([a-z]{2,5})")
_NUMBER = re.compile(r"[0-9]+")

#: A Greek letter between Latin letters and digits. A micro sign at the start belongs to a unit.
_GREEK_COMPOUND = re.compile(
    rf"([a-z][a-z0-9]{{0,{_LONGEST_STEM - 1}}})([α-ω])([a-z]?[0-9]{{0,3}})|"
    r"()([α-λν-ω])([a-z][0-9]{0,3})"
)

_UNIT_LIST = """
g kg mg μg mcg ng l ml dl μl m km cm mm μm nm h hz khz mhz ghz b kb mb gb tb v kv mv w kw mw j
kj cal kcal pa kpa mpa bar mmhg s ms μs min mol mmol μmol nmol iu u meq gy mgy bpm k °c
"""
_UNITS = frozenset(_UNIT_LIST.split())
#: Letters behind a number that make no compound with it: units, ordinals, and Greek letters, which
#: have a rule of their own.
_NO_COMPOUND = _UNITS | {"st", "nd", "rd", "th"} | set(GREEK_NAMES.values())
_NUMBER_UNIT = re.compile(rf"([0-9]+)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")

#: Words that are written with a dot behind them, or without.
_DOTTED_LIST = "dr st mr mrs ms prof vs jr sr no fig approx ca cf sp spp var"
_DOTTED_WORDS = frozenset(_DOTTED_LIST.split())


def spell_out_greek(word: str) -> str:
    """Return a word with its only Greek letter spelt out, if it is glued to a short stem.

    >>> [spell_out_greek(word) for word in ("tnfα", "tgfβ1", "nfκb", "μg", "αλφα")]
    ['tnfalpha', 'tgfbeta1', 'nfkappab', 'μg', 'αλφα']
    """
    if word.isascii():
        return word
    match = _GREEK_COMPOUND.fullmatch(word)
    if match is None:
        return word
    stem, letter, tail = match.group(*((1, 2, 3) if match.group(2) else (4, 5, 6)))
    return f"{stem}{GREEK_NAMES[letter]}{tail}"


def greek_variants(words: Words) -> Iterator[Words]:
    """Yield a name with stem, number, Greek letter and what follows glued and apart in every way.

    >>> [" ".join(form) for form in greek_variants(("nf", "-", "κb"))]
    ['nf κ b', 'nfκ b', 'nf κb', 'nfκb']
    >>> [" ".join(form) for form in greek_variants(("il", "-", "1", "beta"))]
    ['il 1 beta', 'il1 beta', 'il 1beta', 'il1beta']
    """
    for index, word in enumerate(words):
        if parts := _parts_around_greek(word):
            start, end, pieces = _greek_compound(words, index, parts)
            if len(pieces) > 1:
                for form in _groupings(pieces):
                    yield (*words[:start], *form, *words[end:])


def _greek_compound(
    words: Words, index: int, parts: tuple[str, str, str, str]
) -> tuple[int, int, list[str]]:
    """Return start and end of a compound in the words of a name, and its pieces.

    Args:
        words: The words of the name.
        index: The position of the word with the Greek letter.
        parts: Stem, number, letter and tail of this word.
    """
    stem, number, letter, tail = parts
    start, end = index, index + 1
    if not stem and not number:
        start, number = _part_before(words, start, _SHORT_NUMBER)
    if not stem:
        start, stem = _part_before(words, start, _STEM)
    if not number and (divided := _STEM.fullmatch(stem)):
        stem, number = divided.groups()
    if not tail:
        at = end + (words[end : end + 1] == ("-",))
        if at < len(words) and _SHORT.fullmatch(words[at]):
            tail, end = words[at], at + 1
    return start, end, [piece for piece in (stem, number, letter, tail) if piece]


@lru_cache(maxsize=1 << 16)
def _parts_around_greek(word: str) -> tuple[str, str, str, str] | None:
    """Return stem, number, letter and tail of a word with a Greek letter, else None."""
    if word in _UNITS:
        return None
    match = next(filter(None, (pattern.fullmatch(word) for pattern in _GREEK_WORDS)), None)
    if match is None:
        return None
    stem, number, letter, tail = match.groups()
    return stem, number, letter, tail


def _part_before(words: Words, index: int, pattern: re.Pattern[str]) -> tuple[int, str]:
    """Return the word before a position, or before a hyphen there, if it has a pattern."""
    at = index - 1 - (words[max(0, index - 1) : index] == ("-",))
    return (at, words[at]) if at >= 0 and pattern.fullmatch(words[at]) else (index, "")


def _groupings(pieces: Sequence[str]) -> Iterator[Words]:
    """Yield every way to write pieces in order, each apart from the one before or glued to it."""
    first, *rest = pieces
    if not rest:
        yield (first,)
        return
    for form in _groupings(rest):
        yield (first, *form)
        yield (first + form[0], *form[1:])


def alphanumeric_variants(words: Words) -> Iterator[Words]:
    """Yield a name with each letter-number compound written together, and apart.

    >>> [" ".join(form) for form in alphanumeric_variants(("vitamin", "b12"))]
    ['vitamin b 12']
    >>> [" ".join(form) for form in alphanumeric_variants(("il", "-", "6"))]
    ['il6', 'il 6']
    >>> [" ".join(form) for form in alphanumeric_variants(("5", "-", "ht"))]
    ['5ht']
    """
    for index, word in enumerate(words):
        if word[0].isdigit():
            yield from _number_first(words, index)
        if match := _LETTERS_DIGITS.fullmatch(word):
            yield (*words[:index], *match.groups(), *words[index + 1 :])
        if index + 1 < len(words) and _LETTERS.fullmatch(word):
            number = index + 2 if words[index + 1] == "-" else index + 1
            if number < len(words) and _DIGITS.fullmatch(words[number]):
                yield (*words[:index], word + words[number], *words[number + 1 :])
                if number > index + 1:
                    yield (*words[: index + 1], *words[number:])


def _number_first(words: Words, index: int) -> Iterator[Words]:
    """Yield a name with a number and the letters behind it glued, or apart, but no unit."""
    if (match := _DIGITS_LETTERS.fullmatch(words[index])) and match.group(2) not in _NO_COMPOUND:
        yield (*words[:index], *match.groups(), *words[index + 1 :])
    number, *rest = words[index : index + 3]
    if rest[:1] == ["-"] and len(rest) == 2 and rest[1] not in _NO_COMPOUND:
        glued = number + rest[1]
        if _DIGITS_LETTERS.fullmatch(glued) and _NUMBER.fullmatch(number):
            yield (*words[:index], glued, *words[index + 3 :])


def unit_variants(words: Words) -> Iterator[Words]:
    """Yield a name with each unit glued to its number, and apart.

    >>> [" ".join(form) for form in unit_variants(("aspirin", "500", "mg"))]
    ['aspirin 500mg']
    >>> [" ".join(form) for form in unit_variants(("aspirin", "500mg"))]
    ['aspirin 500 mg']
    """
    for index, word in enumerate(words):
        if match := _NUMBER_UNIT.fullmatch(word):
            yield (*words[:index], *match.groups(), *words[index + 1 :])
        elif _NUMBER.fullmatch(word) and _UNITS.intersection(words[index + 1 : index + 2]):
            yield (*words[:index], word + words[index + 1], *words[index + 2 :])


def dot_variants(words: Words) -> Iterable[Words]:
    """Yield a name without the dots of its abbreviations, or with them.

    >>> [" ".join(form) for form in dot_variants(("e", ".", "coli"))]
    ['e coli']
    >>> [" ".join(form) for form in dot_variants(("u", ".", "s", ".", "army"))]
    ['u s army', 'us army', 'u . s army']
    >>> [" ".join(form) for form in dot_variants(("ph", ".", "d", "."))]
    ['ph d', 'phd', 'ph . d']
    >>> [" ".join(form) for form in dot_variants(("e", "coli"))]
    ['e . coli']
    """
    if "." in words[1:]:
        # Numbers keep their decimal point.
        kept = [
            word
            for index, word in enumerate(words)
            if word != "." or not index or words[index - 1].isdigit()
        ]
        if len(kept) < len(words):
            yield tuple(kept)
        if joined := tuple(_join_initials(words)):
            yield joined
        yield from _without_last_dots(words)
    elif len(words) > 1 and _takes_dot(words[0]):
        yield (words[0], ".", *words[1:])


def _join_initials(words: Words) -> Iterator[str]:
    """Yield the words with runs of dotted letters as one word; nothing without a run."""
    run: list[str] = []
    joined: list[str] = []
    found = False
    for index, word in enumerate(words):
        if _is_dotted(words, index):
            run.append(word)
        elif word != "." or not run:
            # The last of the letters may be without its dot: "Ph.D".
            is_last = bool(run) and _INITIALS.fullmatch(word) is not None
            run += [word] if is_last else []
            found |= len(run) > 1
            joined += ["".join(run)] if run else []
            joined += [] if is_last else [word]
            run = []
    found |= len(run) > 1
    joined += ["".join(run)] if run else []
    if found:
        yield from joined


def _without_last_dots(words: Words) -> Iterator[Words]:
    """Yield a name without the dot at the end of its first run of dotted letters."""
    for index in range(2, len(words) - 1):
        is_last = _is_dotted(words, index) and not _is_dotted(words, index + 2)
        if is_last and _is_dotted(words, index - 2):
            yield (*words[: index + 1], *words[index + 2 :])
            return


def _is_dotted(words: Words, index: int) -> bool:
    """Return whether one or two letters at a position have a dot behind them."""
    return words[index + 1 : index + 2] == (".",) and bool(_INITIALS.fullmatch(words[index]))


def _takes_dot(word: str) -> bool:
    return word in _DOTTED_WORDS or (len(word) == 1 and word.isalpha() and word.isascii())
