"""The normalization rules: allowed differences between a text and a name."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kgbert.linking.normalization.affixes import (
    elided_core,
    glued_particle_stem,
    suffixed_core,
    without_elision,
    without_suffix,
)
from kgbert.linking.normalization.compounds import (
    alphanumeric_variants,
    dot_variants,
    greek_variants,
    spell_out_greek,
    unit_variants,
)
from kgbert.linking.normalization.medical import (
    adjective_to_condition,
    adjective_to_organ,
    to_disease,
    to_neoplasm,
)
from kgbert.linking.normalization.spelling import american, arabic, greek, latin, singular

#: A name as its words, without empty ones.
Words = tuple[str, ...]

#: Domains whose word lists can be switched on, by the setting ``domain_words``.
DOMAINS = ("none", "medicine")


@dataclass(frozen=True)
class Rule:
    """One allowed difference between a text and a name.

    A rule consists of one or more functions:

    - ``word`` maps each word of names and texts to a normal form; an empty one drops the word.
    - ``variants`` yields further forms of a name.
    - ``core`` returns the part of a word that a mention covers if ``word`` removes an affix.
    - ``stem`` is applied to a word of a text that occurs in no name.
    """

    description: str
    factor: float
    """Multiplies the score of a candidate that was found by this rule."""
    word: Callable[[str], str] | None = None
    variants: Callable[[Words], Iterable[Words]] | None = None
    core: Callable[[str], tuple[int, int]] | None = None
    stem: Callable[[str], Iterable[str]] | None = None
    skips_plain_words: bool = False
    """Whether ``word`` changes no word of plain letters and digits, so that it is not called."""
    domain: str = "none"
    """The domain whose word lists it uses; the rule works only where these are switched on."""


def is_plain(word: str) -> bool:
    """Return whether a word consists of the letters a to z and digits."""
    return word.isascii() and word.isalnum()


def active_rules(names: Iterable[str], domain: str) -> tuple[str, ...]:
    """Return the rules among some names that work in a domain, in their order of application.

    >>> active_rules(["plural", "organs"], "none"), active_rules(["plural", "organs"], "medicine")
    (('plural',), ('organs', 'plural'))
    """
    chosen = set(names)
    return tuple(
        name for name, rule in RULES.items() if name in chosen and rule.domain in ("none", domain)
    )


def _without_hyphen(word: str) -> str:
    return "" if word == "-" else word


def _joined_at_hyphens(words: Words) -> Iterable[Words]:
    """Yield the name with each hyphenated pair written as one word."""
    for index in range(1, len(words) - 1):
        if words[index] == "-" and len(words[index - 1]) > 1 and len(words[index + 1]) > 1:
            yield (*words[: index - 1], words[index - 1] + words[index + 1], *words[index + 2 :])


def _without_possessive(word: str) -> str:
    if "'" not in word:
        return word
    return re.sub(r"(?<=\w)'s?$", "", word) if word != "'" else ""


def _in_natural_order(words: Words) -> Iterable[Words]:
    """Yield an inverted name in its natural order, unless its commas separate a list."""
    parts = _split(words, ",")
    if len(parts) < 2 or not all(parts) or _LIST_WORDS.intersection(words):
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


def _genitive_variants(words: Words) -> Iterable[Words]:
    """Yield "kidney stone" for "stone of (the) kidney", and the other way round."""
    if words.count("of") == 1 and not _PREPOSITIONS.intersection(words):
        head, tail = _split(words, "of")
        if head and tail and len(tail) <= 3 and "," not in words:
            yield (*_without_leading_article(tail), *head)
    elif len(words) == 2 and "".join(words).isalpha() and not _ADJECTIVE.search(words[0]):
        yield (words[1], "of", words[0])


def _without_leading_article(words: Words) -> Words:
    return words[1:] if words[0] in _ARTICLES else words


def _without_article(word: str) -> str:
    # Not "a": vitamin A and hepatitis A are not vitamin and hepatitis.
    return "" if word == "the" else word


def _without_unspecified(words: Words) -> Iterable[Words]:
    """Yield a name without "NOS" or "unspecified" at its end."""
    if len(words) > 1 and words[-1] in _UNSPECIFIED:
        yield words[:-2] if words[-2] == "," else words[:-1]


def _without_disease(words: Words) -> Iterable[Words]:
    """Yield a name without a word or semantic tag at its end that adds only "disease"."""
    if words[-1] == ")" and "(" in words[1:] and words[-2] in _SEMANTIC_TAGS:
        yield words[: words.index("(", 1)]
    elif len(words) > 1 and words[-1] in _DISEASE | _SYNDROME:
        names_disease = _ENDS_LIKE_DISEASE if len(words) > 2 else _IS_A_DISEASE
        if names_disease.search(words[-2]):
            yield words[:-1]


def _disorder_to_disease(word: str) -> str:
    return "disease" if word in _DISEASE else word


_LIST_WORDS = frozenset(("and", "or", "and/or", "&", "with", "without", "due", "because"))
_PREPOSITIONS = frozenset(("in", "with", "without", "from", "due", "to", "by", "and", "or", "on"))
_ADJECTIVE = re.compile("(?:al|ar|ary|eal|ed|ian|ic|ive|ous)$")
_ARTICLES = frozenset(("the", "a", "an"))
_DISEASE = frozenset(("disease", "disorder", "diseases", "disorders"))
_SYNDROME = frozenset(("syndrome", "syndromes"))
_UNSPECIFIED = frozenset(("nos", "unspecified"))
_SEMANTIC_TAGS = frozenset(
    ("disorder", "disease", "finding", "morphology", "procedure", "diagnosis")
)
_ENDS_LIKE_DISEASE = re.compile(
    r"(?:itis|osis|[ao]emia|oma|pathy|plasia|trophy|syndrome|deficiency|cancer|infection|fever)$"
)
#: A word that names a disease by itself, unlike "fever" or "infection", which many diseases share.
_IS_A_DISEASE = re.compile(r"\w{3}(?:itis|osis|[ao]emia|oma|pathy|plasia|trophy|toxicity)$")

#: The rules, in the order in which they are applied to a word. To add a rule, write its function
#: and a line here.
RULES = {
    "acronyms": Rule("AIDS is not aids: short names in capitals need their capitals", 1.0),
    "abbreviations": Rule("PKD, where the text has polycystic kidney disease (PKD)", 0.95),
    "line-breaks": Rule("hyper-⏎tension ~ hypertension", 0.99),
    "dots": Rule("E coli ~ E. coli, US Army ~ U.S. Army", 0.98, variants=dot_variants),
    "alphanumeric": Rule("B12 ~ B-12, IL-6 ~ IL6 ~ IL 6", 0.97, variants=alphanumeric_variants),
    "units": Rule("500mg ~ 500 mg", 0.99, variants=unit_variants),
    "greek-compounds": Rule(
        "TNFα ~ TNF-alpha, NF-κB ~ NF-kappa B",
        0.98,
        spell_out_greek,
        greek_variants,
        skips_plain_words=True,
    ),
    "hyphens": Rule(
        "x-linked ~ x linked, micro-cephaly ~ microcephaly",
        0.99,
        _without_hyphen,
        _joined_at_hyphens,
        skips_plain_words=True,
    ),
    "elision": Rule(
        "l'œdème ~ œdème, dell'infarto ~ infarto",
        0.99,
        without_elision,
        core=elided_core,
        skips_plain_words=True,
    ),
    "suffixes": Rule(
        "Ankara'nın ~ Ankara", 0.99, without_suffix, core=suffixed_core, skips_plain_words=True
    ),
    "particles": Rule("발열이 ~ 발열", 0.99, stem=glued_particle_stem),
    "possessive": Rule("Crohn's ~ Crohn", 0.99, _without_possessive, skips_plain_words=True),
    "accents": Rule("Sjögren ~ Sjogren", 0.99, latin, skips_plain_words=True),
    "greek": Rule("α ~ alpha", 0.99, greek, skips_plain_words=True),
    "roman": Rule("type II ~ type 2", 0.97, arabic),
    "spelling": Rule("haemorrhage ~ hemorrhage, tumour ~ tumor", 0.99, american),
    "adjectives": Rule(
        "hypertensive ~ hypertension, diabetic ~ diabetes",
        0.85,
        adjective_to_condition,
        domain="medicine",
    ),
    "organs": Rule("renal ~ kidney, hepatic ~ liver", 0.9, adjective_to_organ, domain="medicine"),
    "tumours": Rule("cancer, tumor, malignancy ~ neoplasm", 0.9, to_neoplasm, domain="medicine"),
    "disorders": Rule(
        "abnormality, anomaly, malformation ~ disease", 0.8, to_disease, domain="medicine"
    ),
    "plural": Rule("fractures ~ fracture, diagnoses ~ diagnosis", 0.98, singular),
    "articles": Rule("neoplasm of the skin ~ neoplasm of skin", 0.99, _without_article),
    "inversion": Rule("Neoplasms, Skin ~ skin neoplasms", 0.97, variants=_in_natural_order),
    "unspecified": Rule("anaemia NOS ~ anaemia", 0.93, variants=_without_unspecified),
    "diseases": Rule(
        "disorder ~ disease; anaemia disease, anaemia (disorder) ~ anaemia",
        0.93,
        _disorder_to_disease,
        _without_disease,
        domain="medicine",
    ),
    "genitive": Rule("stone of kidney ~ kidney stone", 0.95, variants=_genitive_variants),
}
