"""The normalisation rules: what may differ between a name and the text that means it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kgbert.linking.normalization.medical import condition, disorder, growth, organ
from kgbert.linking.normalization.spelling import american, arabic, greek, latin, singular

#: A name as its words, the empty ones gone.
Words = tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """One way in which a name and a text may differ.

    ``word`` maps a word of names and texts alike, so that the two sides meet ("" drops it);
    ``variants`` yields further forms of a name. ``factor`` is what a candidate's score is
    multiplied by when it was found by this rule. ``spares_plain`` says that ``word`` changes no
    word of plain letters and digits, which saves the asking.
    """

    meaning: str
    factor: float
    word: Callable[[str], str] | None = None
    variants: Callable[[Words], Iterable[Words]] | None = None
    spares_plain: bool = False


def is_plain(word: str) -> bool:
    """Tell whether a word has only the letters a to z and digits."""
    return word.isascii() and word.isalnum()


def _unhyphenated(word: str) -> str:
    return "" if word == "-" else word


def _joined(words: Words) -> Iterable[Words]:
    """Yield the name with each hyphenated pair written as one word."""
    for index in range(1, len(words) - 1):
        if words[index] == "-" and len(words[index - 1]) > 1 and len(words[index + 1]) > 1:
            yield (*words[: index - 1], words[index - 1] + words[index + 1], *words[index + 2 :])


def _unpossessed(word: str) -> str:
    if "'" not in word and "’" not in word:
        return word
    return re.sub(r"(?<=\w)['’]s?$", "", word) if word not in ("'", "’") else ""


def _uninverted(words: Words) -> Iterable[Words]:
    """Yield an inverted name the right way round, unless its commas make a list."""
    parts = _split(words, ",")
    if len(parts) < 2 or not all(parts) or _LISTING.intersection(words):
        return
    yield tuple(word for part in reversed(parts) for word in part)
    yield tuple(word for part in parts for word in part)


def _split(words: Words, mark: str) -> list[Words]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == mark:
            parts.append([])
        else:
            parts[-1].append(word)
    return [tuple(part) for part in parts]


def _turned(words: Words) -> Iterable[Words]:
    """Yield "kidney stone" for "stone of (the) kidney", and the other way round."""
    if words.count("of") == 1 and not _PREPOSITIONS.intersection(words):
        head, tail = _split(words, "of")
        if head and tail and len(tail) <= 3 and "," not in words:
            yield (*_unarticled(tail), *head)
    elif len(words) == 2 and "".join(words).isalpha() and not _ADJECTIVE.search(words[0]):
        yield (words[1], "of", words[0])


def _unarticled(words: Words) -> Words:
    return words[1:] if words[0] in _ARTICLES else words


def _without_article(word: str) -> str:
    # Not "a": vitamin A and hepatitis A are not vitamin and hepatitis.
    return "" if word == "the" else word


def _untailed(words: Words) -> Iterable[Words]:
    """Yield a name without the words at its end that say only "whichever" or "disease"."""
    if words[-1] == ")" and "(" in words[1:] and words[-2] in _QUALIFIERS:
        yield words[: words.index("(", 1)]
    elif len(words) > 1 and words[-1] in _OPEN_ENDS:
        yield words[:-2] if words[-2] == "," else words[:-1]
    elif len(words) > 1 and words[-1] in _SAYS_DISEASE:
        told = _NAMES_A_DISEASE if len(words) > 2 else _IS_A_DISEASE
        if told.search(words[-2]):
            yield words[:-1]


def _one_disease(word: str) -> str:
    return "disease" if word in _DISEASE else word


_LISTING = frozenset(("and", "or", "and/or", "&", "with", "without", "due", "because"))
_PREPOSITIONS = frozenset(("in", "with", "without", "from", "due", "to", "by", "and", "or", "on"))
_ADJECTIVE = re.compile("(?:al|ar|ary|eal|ed|ian|ic|ive|ous)$")
_ARTICLES = frozenset(("the", "a", "an"))
_DISEASE = frozenset(("disease", "disorder", "diseases", "disorders"))
_SAYS_DISEASE = _DISEASE | {"syndrome", "syndromes"}
_OPEN_ENDS = frozenset(("nos", "unspecified"))
_QUALIFIERS = frozenset(("disorder", "disease", "finding", "morphology", "procedure", "diagnosis"))
_NAMES_A_DISEASE = re.compile(
    r"(?:itis|osis|[ao]emia|oma|pathy|plasia|trophy|syndrome|deficiency|cancer|infection|fever)$"
)
#: A whole word that says so, not "fever" or "infection", which many diseases share.
_IS_A_DISEASE = re.compile(r"\w{3}(?:itis|osis|[ao]emia|oma|pathy|plasia|trophy|toxicity)$")

#: What a name and a text may differ in, in the order in which words pass through.
#: Each word of text and names goes through ``word`` of every rule that is switched on; add a
#: rule by writing its function and a line here.
RULES = {
    "acronyms": Rule("AIDS is not aids: short names in capitals need their capitals", 1.0),
    "abbreviations": Rule("PKD, where the text says polycystic kidney disease (PKD)", 0.95),
    "hyphens": Rule(
        "x-linked ~ x linked, micro-cephaly ~ microcephaly",
        0.99,
        _unhyphenated,
        _joined,
        spares_plain=True,
    ),
    "possessive": Rule("Crohn's ~ Crohn", 0.99, _unpossessed, spares_plain=True),
    "accents": Rule("Sjögren ~ Sjogren", 0.99, latin, spares_plain=True),
    "greek": Rule("α ~ alpha", 0.99, greek, spares_plain=True),
    "roman": Rule("type II ~ type 2", 0.97, arabic),
    "spelling": Rule("haemorrhage ~ hemorrhage, tumour ~ tumor", 0.99, american),
    "adjectives": Rule("hypertensive ~ hypertension, diabetic ~ diabetes", 0.85, condition),
    "organs": Rule("renal ~ kidney, hepatic ~ liver", 0.9, organ),
    "tumours": Rule("cancer, tumor, malignancy ~ neoplasm", 0.9, growth),
    "disorders": Rule("abnormality, anomaly, malformation ~ disease", 0.8, disorder),
    "plural": Rule("fractures ~ fracture, diagnoses ~ diagnosis", 0.98, singular),
    "articles": Rule("neoplasm of the skin ~ neoplasm of skin", 0.99, _without_article),
    "inversion": Rule("Neoplasms, Skin ~ skin neoplasms", 0.97, variants=_uninverted),
    "tail": Rule(
        "disorder ~ disease; anaemia NOS, anaemia disease ~ anaemia", 0.93, _one_disease, _untailed
    ),
    "genitive": Rule("stone of kidney ~ kidney stone", 0.95, variants=_turned),
}
