"""Recognize acronyms, which have another or no meaning in lower case."""

import unicodedata
from collections.abc import Iterable

from kgbert.linking.normalization.spelling import GREEK_NAMES

#: Maximum length of an acronym, in letters and digits.
MAX_ACRONYM = 6


def is_acronym(name: str) -> bool:
    """Return whether a name is one short word in capitals.

    >>> [is_acronym(name) for name in ("PKD", "COX-2", "Pkd", "ALL CELLS", "肺炎")]
    [True, True, False, False, False]
    """
    return name.isupper() and " " not in name and 2 <= len(_letters(name)) <= MAX_ACRONYM


def is_written_as(acronym: str, surface: str) -> bool:
    """Return whether a text writes an acronym in its capitals; a plural s may follow.

    >>> [is_written_as("AVM", surface) for surface in ("AVM", "AVMs", "AVM's", "avm", "AVMS")]
    [True, True, True, False, False]
    >>> is_written_as("COX-2", "COX 2"), is_written_as("AIDS", "aids")
    (True, False)
    >>> is_written_as("Δ9-THC", "delta-9-THC"), is_written_as("Δ9-THC", "Delta-9-thc")
    (True, False)
    """
    written, wanted = _letters(surface), _letters(acronym)
    if not acronym.isascii():
        written, wanted = map(_with_greek_spelt_out, (written, wanted))
        if wanted[:1].islower():  # a Greek letter, whose name may begin a sentence
            written = written[:1].lower() + written[1:]
    return written in (wanted, wanted + "s")


def writes_acronyms(names: Iterable[str]) -> bool:
    """Return whether capitals mark acronyms; false if most names are in capitals.

    >>> writes_acronyms(["Kidney", "PKD"]), writes_acronyms(["CHRONIC PAIN", "MALAISE", "Cough"])
    (True, False)
    """
    capitals = cased = 0
    for name in names:
        if len(name) > MAX_ACRONYM:
            capitals += name.isupper()
            cased += name.upper() != name.lower()
    return 2 * capitals <= cased


def _with_greek_spelt_out(letters: str) -> str:
    return "".join(GREEK_NAMES.get(letter.lower(), letter) for letter in letters)


def _letters(name: str) -> str:
    normal = unicodedata.normalize("NFKC", name)
    return "".join(character for character in normal if character.isalnum())
