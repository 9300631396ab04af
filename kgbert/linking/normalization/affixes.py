"""Articles, particles and suffixes that are attached to a word."""

import re
from collections.abc import Iterator

#: Elided articles, prepositions and pronouns of French, Italian and Catalan.
_ELIDED = """
l d j n s c m t qu jusqu lorsqu puisqu quoiqu quelqu presqu entr un dell all nell dall sull coll
dagl degl agl negl sugl quell quegl quest tutt mezz senz
"""
_ELISION = re.compile(rf"(?:{'|'.join(_ELIDED.split())})'(?=[^\W\d_]{{2}})")

#: Turkish case, plural and possessive suffixes, which follow names behind an apostrophe.
_SUFFIX = re.compile(
    r"(?<=\w\w)'(?:(?:l[ae]r)?(?:[yns]?[ıiuü]|[ns]?[ıiuü]n|[yn]?[ae]|n?[dt][ae]n?|n?[dt]eki|n?[dt]aki"
    r"|y?l[ae]|c[ae]|ç[ae])|l[ae]r)$"
)

#: Korean particles, the longest first.
_PARTICLE_LIST = """
은 는 이 가 을 를 의 에 에서 에게 에도 에는 와 과 도 로 으로 만 까지 부터 처럼 보다 이나 나 라 이라
하고 한테 께서 마다 조차 밖에 으로써 로써 으로서 로서 이며 며 이고 에서는 에서도 으로는 와의 과의
"""
_PARTICLES = sorted(_PARTICLE_LIST.split(), key=lambda particle: (-len(particle), particle))


def without_elision(word: str) -> str:
    """Return a word without an elided article or preposition in front of it.

    >>> [without_elision(word) for word in ("l'œdème", "dell'aorta", "o'brien", "d's")]
    ['œdème', 'aorta', "o'brien", "d's"]
    """
    start, end = elided_core(word)
    return word[start:end]


def elided_core(word: str) -> tuple[int, int]:
    """Return the span of a word behind an elided article."""
    match = _ELISION.match(word)
    return (match.end() if match else 0), len(word)


def without_suffix(word: str) -> str:
    """Return a word without a Turkish suffix behind an apostrophe.

    >>> [without_suffix(word) for word in ("ankara'nın", "istanbul'da", "crohn's", "don't")]
    ['ankara', 'istanbul', "crohn's", "don't"]
    """
    start, end = suffixed_core(word)
    return word[start:end]


def suffixed_core(word: str) -> tuple[int, int]:
    """Return the span of a word in front of a Turkish suffix."""
    match = _SUFFIX.search(word)
    return 0, match.start() if match else len(word)


def glued_particle_stem(word: str) -> Iterator[str]:
    """Yield the stems of a Korean word without a final particle, the longest particle first.

    >>> list(glued_particle_stem("병원에서는")), list(glued_particle_stem("fever"))
    (['병원', '병원에서'], [])
    """
    # Particles and their hosts are Hangul syllables; a stem has at least two of them.
    if len(word) < 3 or not "\uac00" <= word[-1] <= "\ud7a3":
        return
    for particle in _PARTICLES:
        stem = word.removesuffix(particle)
        if len(stem) >= 2 and stem != word:
            yield stem
