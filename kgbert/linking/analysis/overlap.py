"""Assess before training whether texts and graph overlap enough for knowledge to help."""

from dataclasses import dataclass

#: Minimum number of texts for a meaningful share.
FEWEST = 50

#: Shares of texts with a specific mention (not a generic word): below the first the overlap is too
#: little, from the second on it is enough.
LITTLE, ENOUGH = 0.1, 0.3

#: Shares of mentions that are generic words, or of entities with nothing but names, from which on
#: the overlap is doubtful.
MANY_GENERIC, MANY_ISOLATED = 0.25, 0.5

#: Assumed share of texts with a specific mention whose prediction knowledge corrects.
CORRECTED_SHARE = 0.1

#: Smallest gain in accuracy (points) that six seeds usually detect.
DETECTABLE = 2.0

RULE = (
    f"A mention is specific if its name is not a generic word. If less than {LITTLE:.0%} of the "
    f"texts have a specific mention, the overlap is too small. If {ENOUGH:.0%} or more have one, "
    f"it is sufficient, unless {MANY_GENERIC:.0%} of all mentions are generic words or "
    f"{MANY_ISOLATED:.0%} are of entities without edges and definition. Otherwise it is doubtful. "
    f"This is a rule of thumb from a few trials, not a test: without sufficient overlap knowledge "
    f"cannot help, and with it it may still not help. kgbert compare measures that."
)


@dataclass(frozen=True)
class OverlapAssessment:
    """An assessment whether knowledge can help, with the reasons."""

    outcome: str
    """One of: none, too few texts, too little, doubtful, enough."""
    sentence: str
    reasons: tuple[str, ...]
    rule: str = RULE

    def __str__(self) -> str:
        return " ".join([self.sentence, *self.reasons])


@dataclass(frozen=True)
class OverlapStatistics:
    """The shares on which the assessment is based."""

    texts: int
    linked: float
    """Share of texts with a mention."""
    specific: float
    """Share of texts with a specific mention, whose name is not a generic word."""
    generic: float
    """Share of mentions that are generic words."""
    isolated: float
    """Share of mentions of entities without edges and definition."""


def assess_overlap(overlap: OverlapStatistics) -> OverlapAssessment:
    """Return the assessment of the overlap of texts and graph.

    >>> shares = OverlapStatistics(texts=200, linked=0.04, specific=0.03, generic=0.3, isolated=0.0)
    >>> print(assess_overlap(shares))
    The overlap is too small for injection to help: only 3% of the texts have a specific mention.
    30% of the mentions are generic words, which rarely mean the entity. If knowledge corrected one
    in ten of the texts with a specific mention, accuracy would rise by 0.3 points, too little for a
    comparison with six seeds to detect.
    """
    outcome = _outcome(overlap)
    reasons = []
    if overlap.generic >= MANY_GENERIC:
        reasons.append(
            f"{overlap.generic:.0%} of the mentions are generic words, which rarely mean the "
            "entity."
        )
    if overlap.isolated >= MANY_ISOLATED:
        reasons.append(
            f"{overlap.isolated:.0%} of the mentions are of entities without edges and definition, "
            "of which the graph knows only the names."
        )
    if outcome not in ("none", "too few texts"):
        reasons.append(_expected_gain(overlap.specific))
    return OverlapAssessment(
        outcome, _SENTENCES[outcome].format(specific=overlap.specific), tuple(reasons)
    )


def _outcome(overlap: OverlapStatistics) -> str:
    if not overlap.linked:
        return "none"
    if overlap.texts < FEWEST:
        return "too few texts"
    if overlap.specific < LITTLE:
        return "too little"
    mixed = overlap.generic >= MANY_GENERIC or overlap.isolated >= MANY_ISOLATED
    return "doubtful" if mixed or overlap.specific < ENOUGH else "enough"


def _expected_gain(specific: float) -> str:
    points = 100 * CORRECTED_SHARE * specific
    detectable = "too little" if points < DETECTABLE else "enough"
    return (
        f"If knowledge corrected one in ten of the texts with a specific mention, accuracy would "
        f"rise by {points:.1f} points, {detectable} for a comparison with six seeds to detect."
    )


_SENTENCES = {
    "none": "Injection cannot help: no text mentions any entity of this graph.",
    "too few texts": f"Fewer than {FEWEST} texts are too few for an assessment: {{specific:.0%}} "
    "of them have a specific mention.",
    "too little": "The overlap is too small for injection to help: only {specific:.0%} of the "
    "texts have a specific mention.",
    "doubtful": "It is doubtful whether injection helps: {specific:.0%} of the texts have a "
    "specific mention.",
    "enough": "The overlap is sufficient for injection to help: {specific:.0%} of the texts have "
    "a specific mention.",
}
