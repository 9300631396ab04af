"""By which name and which rules the candidates of a mention were found."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from kgbert.linking.dictionary.abbreviations import (
    MAX_SHORT_LENGTH,
    abbreviation_score,
    has_brackets,
)
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.dictionary.scoring import Match
from kgbert.linking.factory import component_linkers
from kgbert.linking.mention import Candidate, Linker, Mention

#: What stands for no rule at all, and for a linker that cannot tell.
EXACT = "exact match"
UNKNOWN_MATCH = "not told"


@runtime_checkable
class Matching(Protocol):
    """A linker that can tell which names stand behind what it proposes for a piece of text."""

    def matches(self, surface: str) -> list[Match]:
        """Return the names, best first."""
        ...


class MatchEvidence(NamedTuple):
    """The name of an entity that a candidate was found by, and the rules it took to see it."""

    name: str
    """Empty where the linker does not tell."""
    rules: tuple[str, ...]

    @property
    def how(self) -> str:
        """The rules in words."""
        return ", ".join(self.rules) or (EXACT if self.name else UNKNOWN_MATCH)


def match_evidence(linker: Linker, text: str, mention: Mention) -> tuple[MatchEvidence, ...]:
    """Return for each candidate of a mention how the linker came to it.

    Nothing is kept while linking; the names are looked up again, so ask about what is shown.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Neoplasms, Skin")
    >>> linker = DictionaryLinker(builder.build())
    >>> [[mention]] = linker(["a skin neoplasm"])
    >>> match_evidence(linker, "a skin neoplasm", mention)
    (MatchEvidence(name='Neoplasms, Skin', rules=('plural', 'inversion')),)
    """
    matches: dict[Candidate, Match] = {}
    for match in _matches(linker, text, text[mention.start : mention.end]):
        matches.setdefault(Candidate(match.entity, match.score), match)
    found = map(matches.get, mention.candidates)
    return tuple(MatchEvidence(it.name, it.rules) if it else MatchEvidence("", ()) for it in found)


def count_rules(
    linker: Linker, texts: Sequence[str], linked: Iterable[Sequence[Mention]]
) -> Counter[str]:
    """Return for how many mentions each rule was needed to see their best candidate.

    ``EXACT`` counts those that took none, ``UNKNOWN_MATCH`` those that the linker does not
    describe_links for. A mention that took two rules counts for both.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> linker, texts = DictionaryLinker(builder.build()), ["fever", "fevers", "no fever"]
    >>> count_rules(linker, texts, linker(texts))
    Counter({'exact match': 2, 'plural': 1})
    """
    known: dict[tuple[str, Candidate], tuple[str, ...]] = {}
    counts: Counter[str] = Counter()
    for text, mentions in zip(texts, linked, strict=True):
        for mention in mentions:
            if not mention.candidates:
                continue
            # The score tells what a text defines in brackets from what is found anywhere.
            asked = (text[mention.start : mention.end], mention.candidates[0])
            if asked not in known:
                best = mention._replace(candidates=mention.candidates[:1])
                [one] = match_evidence(linker, text, best)
                known[asked] = one.rules or (one.how,)
            counts.update(known[asked])
    return counts


def _matches(linker: Linker, text: str, surface: str) -> Iterator[Match]:
    for part in component_linkers(linker):
        if isinstance(part, DictionaryLinker):
            yield from _defined(part, text, surface)
        if isinstance(part, Matching):
            yield from part.matches(surface)


def _defined(linker: DictionaryLinker, text: str, surface: str) -> Iterator[Match]:
    """Yield what a short form means by the text's own word."""
    if "abbreviations" not in linker.rules or not has_brackets(text):
        return
    # A plural s may follow; to link the text again only for what may be a short form saves most.
    if surface.islower() or len(surface) > MAX_SHORT_LENGTH + 1:
        return
    defined = linker.abbreviation_spans(text)
    for short in {surface, surface.removesuffix("s")} & defined.keys():
        start, end = defined[short]
        for match in linker.matches(text[start:end]):
            yield match._replace(
                score=abbreviation_score(match.score), rules=("abbreviations", *match.rules)
            )
