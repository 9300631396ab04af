"""Assess before training whether texts and graph overlap enough for knowledge to help."""

from dataclasses import dataclass

#: Minimum number of texts for a meaningful share.
FEWEST = 50

#: Shares of texts with a specific mention (not a generic word): below the first the overlap is too
#: little, from the second on it is enough.
LITTLE, ENOUGH = 0.1, 0.3

#: Shares of mentions that are generic words, or of entities with nothing but names, from which on
#: the overlap is doubtful.
MANY_ORDINARY, MANY_BARE = 0.25, 0.5

#: Assumed share of texts with a specific mention whose prediction knowledge corrects.
MENDED = 0.1

#: Smallest gain in accuracy (points) that six seeds usually detect.
SEEN = 2.0

RULE = (
    f"Where less than {LITTLE:.0%} of the texts have a mention that is no ordinary word there is "
    f"too little overlap; where {ENOUGH:.0%} or more have one there is enough, unless "
    f"{MANY_ORDINARY:.0%} of all mentions are ordinary words, or {MANY_BARE:.0%} are of entities "
    f"of which the graph says nothing but names; all else is doubtful. This is a rule of thumb "
    f"from a few trials, and no test: without enough overlap knowledge cannot help, and with it "
    f"it need not. kgbert compare measures that."
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
    telling: float
    """Share of texts with a specific mention, one that is not a generic word."""
    ordinary: float
    """Share of mentions that are generic words."""
    bare: float
    """Share of mentions of entities without edges and definition."""


def assess_overlap(overlap: OverlapStatistics) -> OverlapAssessment:
    """Return the assessment of the overlap of texts and graph.

    >>> shares = OverlapStatistics(texts=200, linked=0.04, telling=0.03, ordinary=0.3, bare=0.0)
    >>> print(assess_overlap(shares))
    There is too little overlap for this graph to help: only 3% of the texts mention it by more
    than ordinary words. 30% of the mentions are ordinary words, which seldom mean what the graph
    means. If knowledge mended one in ten of the texts that it reaches, accuracy would rise by 0.3
    points, too little for a comparison on six seeds to see.
    """
    outcome = _outcome(overlap)
    reasons = []
    if overlap.ordinary >= MANY_ORDINARY:
        reasons.append(
            f"{overlap.ordinary:.0%} of the mentions are ordinary words, which seldom mean what "
            "the graph means."
        )
    if overlap.bare >= MANY_BARE:
        reasons.append(
            f"Of the entities of {overlap.bare:.0%} of the mentions the graph says nothing but "
            "names: there is little to learn from it."
        )
    if outcome not in ("none", "too few texts"):
        reasons.append(_expected_gain(overlap.telling))
    return OverlapAssessment(
        outcome, _SENTENCES[outcome].format(telling=overlap.telling), tuple(reasons)
    )


def _outcome(overlap: OverlapStatistics) -> str:
    if not overlap.linked:
        return "none"
    if overlap.texts < FEWEST:
        return "too few texts"
    if overlap.telling < LITTLE:
        return "too little"
    mixed = overlap.ordinary >= MANY_ORDINARY or overlap.bare >= MANY_BARE
    return "doubtful" if mixed or overlap.telling < ENOUGH else "enough"


def _expected_gain(specific: float) -> str:
    points = 100 * MENDED * specific
    detectable = "too little" if points < SEEN else "enough"
    return (
        f"If knowledge mended one in ten of the texts that it reaches, accuracy would rise by "
        f"{points:.1f} points, {detectable} for a comparison on six seeds to see."
    )


_SENTENCES = {
    "none": "This graph cannot help: no text mentions any of its entities.",
    "too few texts": f"With fewer than {FEWEST} texts nothing can be foretold: {{telling:.0%}} of "
    "them mention the graph by more than ordinary words.",
    "too little": "There is too little overlap for this graph to help: only {telling:.0%} of the "
    "texts mention it by more than ordinary words.",
    "doubtful": "It is doubtful whether this graph helps: {telling:.0%} of the texts mention it by "
    "more than ordinary words.",
    "enough": "There is enough overlap for this graph to help: {telling:.0%} of the texts mention "
    "it by more than ordinary words.",
}
