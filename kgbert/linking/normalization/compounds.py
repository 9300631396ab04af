"""Spelling variants of compounds of letters, digits, dots and Greek letters."""

import re
from collections.abc import Iterable, Iterator

from kgbert.linking.normalization.spelling import GREEK_NAMES

#: A name as its words.
Words = tuple[str, ...]

#: Longest stem, in letters, to which a Greek letter or a number is glued.
_LONGEST_STEM = 6

_STEM = re.compile(rf"[a-z][a-z0-9]{{0,{_LONGEST_STEM - 1}}}")
_SPELT_OUT = "|".join(dict.fromkeys(GREEK_NAMES.values()))
_GREEK_WORD = re.compile(rf"([α-ω]|{_SPELT_OUT})([a-z]|[0-9]{{0,2}})")
_SHORT = re.compile("[a-z]|[0-9]{1,2}")
_LETTERS = re.compile(r"[a-z]{1,5}")
_DIGITS = re.compile(r"[0-9]{1,4}[a-z]?")
_LETTERS_DIGITS = re.compile(r"([a-z]{1,5})([0-9]{1,4}[a-z]?)")
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
    """Yield a name with a Greek letter glued to its short stem and to what follows, and apart.

    >>> [" ".join(form) for form in greek_variants(("nf", "-", "κb"))]
    ['nfκb', 'nf κ b']
    >>> [" ".join(form) for form in greek_variants(("tgf", "-", "beta", "1"))]
    ['tgfbeta 1', 'tgf beta1', 'tgfbeta1']
    """
    for index, word in enumerate(words):
        match = _GREEK_WORD.fullmatch(word)
        if match is None:
            continue
        letter, tail = match.groups()
        before, after = words[:index], words[index + 1 :]
        stem_end = index - 1 if before and before[-1] == "-" else index
        stem = words[stem_end - 1] if stem_end > 0 and _STEM.fullmatch(words[stem_end - 1]) else ""
        rest = words[: stem_end - 1] if stem else ()
        if stem:
            yield (*rest, stem + word, *after)
        if tail:
            yield (*(words[:stem_end] if stem else before), letter, tail, *after)
            continue
        following = after[1:] if after[:1] == ("-",) else after
        if following and _SHORT.fullmatch(following[0]):
            yield (*(words[:stem_end] if stem else before), word + following[0], *following[1:])
            if stem:
                yield (*rest, stem + word + following[0], *following[1:])


def alphanumeric_variants(words: Words) -> Iterator[Words]:
    """Yield a name with each letter-number compound written together, and apart.

    >>> [" ".join(form) for form in alphanumeric_variants(("vitamin", "b12"))]
    ['vitamin b 12']
    >>> [" ".join(form) for form in alphanumeric_variants(("il", "-", "6"))]
    ['il6', 'il 6']
    """
    for index, word in enumerate(words):
        if match := _LETTERS_DIGITS.fullmatch(word):
            yield (*words[:index], *match.groups(), *words[index + 1 :])
        if index + 1 < len(words) and _LETTERS.fullmatch(word):
            number = index + 2 if words[index + 1] == "-" else index + 1
            if number < len(words) and _DIGITS.fullmatch(words[number]):
                yield (*words[:index], word + words[number], *words[number + 1 :])
                if number > index + 1:
                    yield (*words[: index + 1], *words[number:])


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
    ['u s army', 'us army']
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
    elif len(words) > 1 and _takes_dot(words[0]):
        yield (words[0], ".", *words[1:])


def _join_initials(words: Words) -> Iterator[str]:
    """Yield the words with runs of dotted single letters as one word; nothing without a run."""
    run: list[str] = []
    joined: list[str] = []
    found = False
    for index, word in enumerate(words):
        if len(word) == 1 and word.isalpha() and words[index + 1 : index + 2] == (".",):
            run.append(word)
        elif word != "." or not run:
            found |= len(run) > 1
            joined += ["".join(run)] if run else []
            joined.append(word)
            run = []
    found |= len(run) > 1
    joined += ["".join(run)] if run else []
    if found:
        yield from joined


def _takes_dot(word: str) -> bool:
    return word in _DOTTED_WORDS or (len(word) == 1 and word.isalpha() and word.isascii())
