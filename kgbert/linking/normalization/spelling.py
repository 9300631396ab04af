"""Spelling variants of single words: accents, Greek, numerals, British, plural."""

import re
import unicodedata
from functools import lru_cache


def latin(word: str) -> str:
    """Return a word without the accents of its Latin letters.

    >>> latin("sjögren"), latin("ménière"), latin("løgstrup"), latin("ไข้")
    ('sjogren', 'meniere', 'logstrup', 'ไข้')
    """
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word.translate(_LETTERS))
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", decomposed))


def greek(word: str) -> str:
    """Return a word with a single Greek letter, alone or next to a number, spelt out.

    >>> greek("β"), greek("β2"), greek("αλφα"), greek("beta")
    ('beta', 'beta2', 'αλφα', 'beta')
    """
    if word.isascii():
        return word
    return _GREEK_LETTER.sub(lambda match: GREEK_NAMES[match.group()], word)


def arabic(word: str) -> str:
    """Return a roman numeral as digits.

    >>> arabic("iii"), arabic("x"), arabic("vitamin")
    ('3', 'x', 'vitamin')
    """
    return _ROMAN.get(word, word)


@lru_cache(maxsize=1 << 16)
def american(word: str) -> str:
    """Return a British spelling as it is written in American English.

    >>> [american(word) for word in ("haemorrhage", "oesophageal", "tumours", "does")]
    ['hemorrhage', 'esophageal', 'tumors', 'does']
    """
    if not _HINTS.search(word) or not _ANY_BRITISH.search(word):
        return word
    for british, replacement in _BRITISH:
        word = re.sub(british, replacement, word)
    return word


@lru_cache(maxsize=1 << 16)
def singular(word: str) -> str:
    """Return the common form of a word and its plural, which is not always a word.

    >>> [singular(word) for word in ("fractures", "diagnoses", "biopsies", "vertebrae", "pus")]
    ['fracture', 'diagnosis', 'biopsy', 'vertebra', 'pus']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.endswith("s") or len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    for ending, replacement in _PLURALS:
        if word.endswith(ending):
            return word[: len(word) - len(ending)] + replacement
    return word


#: Latin letters that Unicode does not decompose.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i"})
_ACCENTED = re.compile("([a-z])[\u0300-\u036f]+")

_LETTER_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma
tau upsilon phi chi psi omega
"""
#: The English names of Greek letters.
GREEK_NAMES = dict(zip("αβγδεζηθικλμνξοπρσςτυφχψω", _LETTER_NAMES.split(), strict=True))

#: Not inside a Greek word, and not glued to a unit ("μg").
_GREEK_LETTER = re.compile("(?<![^\\W0-9])[α-ω](?![^\\W0-9])")

#: Roman numerals in use as words. Not x: chromosome X is not chromosome 10.
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7"}
_ROMAN |= {"viii": "8", "ix": "9", "xi": "11", "xii": "12", "xiii": "13", "xiv": "14", "xv": "15"}

#: Patterns of British spellings, with their American replacements.
_BRITISH = (
    (r"aem", "em"),  # anaemia, haemorrhage, ischaemic, uraemia
    (r"oede", "ede"),
    (r"oea", "ea"),  # diarrhoea, dyspnoea, amenorrhoea
    (r"oeso", "eso"),
    (r"oest", "est"),
    (r"^foet", "fet"),
    (r"coeli", "celi"),
    (r"aesth", "esth"),
    (r"aeti", "eti"),
    (r"paed", "ped"),
    (r"gynaec", "gynec"),
    (r"^faec", "fec"),
    (r"^caec", "cec"),
    (r"caesar", "cesar"),
    (r"naev", "nev"),
    (r"taenia", "tenia"),
    (r"leuco(?=[cpd])", "leuko"),
    (r"sulph", "sulf"),
    (r"(?<=tum|col|vap|hum|rig|lab)our", "or"),
    (r"behaviour", "behavior"),
    (r"^(cent|fib|lit|tit)re", r"\1er"),
    (r"(?<=[a-z]{3}[l-vz])is(?=ed$|ing$|ation)", "iz"),  # localised, generalisation
    (r"(?<=al)ys(?=ed$|ing$)", "yz"),
    (r"^mould", "mold"),
    (r"^grey$", "gray"),
    (r"aluminium", "aluminum"),
    (r"manoeuv", "maneuv"),
)
#: Every match of a British pattern contains one of these, which are faster to search.
_HINTS = re.compile("[ao]e|uco|lph|ou|[tb]re|is[aei]|ys|grey|inium")
_ANY_BRITISH = re.compile("|".join(british for british, _ in _BRITISH))

#: Plural endings; the first that matches is used; "ss", "us" and "is" end singulars.
_PLURALS = (
    ("ies", "y"),
    ("sses", "ss"),
    ("oses", "osis"),
    ("yses", "ysis"),
    ("eses", "esis"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ss", "ss"),
    ("us", "us"),
    ("is", "is"),
    ("s", ""),
)

#: Irregular plurals.
_IRREGULAR = {
    "vertebrae": "vertebra",
    "bursae": "bursa",
    "petechiae": "petechia",
    "fistulae": "fistula",
    "sequelae": "sequela",
    "bronchi": "bronchus",
    "thrombi": "thrombus",
    "emboli": "embolus",
    "fungi": "fungus",
    "calculi": "calculus",
    "nevi": "nevus",
    "humeri": "humerus",
    "bacteria": "bacterium",
    "diverticula": "diverticulum",
    "ova": "ovum",
    "ganglia": "ganglion",
    "carcinomata": "carcinoma",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
    "men": "man",
    "women": "woman",
    "children": "child",
    "indices": "index",
    "cortices": "cortex",
    "appendices": "appendix",
    "species": "species",
    "series": "series",
}
