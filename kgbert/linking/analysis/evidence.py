"""Report the name and the rules by which each candidate of a mention was found."""

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

#: Labels for a match without rules, and for a linker that does not report its rules.
EXACT = "exact match"
UNKNOWN_MATCH = "unknown"


@runtime_checkable
class Matching(Protocol):
    """A linker that reports the names that match a surface form."""

    def matches(self, surface: str) -> list[Match]:
        """Return the matching names, best first."""
        ...


class MatchEvidence(NamedTuple):
    """The name by which a candidate was found, and the rules that matched it."""

    name: str
    """Empty if the linker does not report it."""
    rules: tuple[str, ...]

    @property
    def how(self) -> str:
        """The rules as text."""
        return ", ".join(self.rules) or (EXACT if self.name else UNKNOWN_MATCH)


def match_evidence(linker: Linker, text: str, mention: Mention) -> tuple[MatchEvidence, ...]:
    """Return how the linker found each candidate of a mention.

    Linking keeps no evidence, so this looks the names up again; use it for displayed mentions.

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
    """Return the number of mentions whose best candidate was matched by each rule.

    ``EXACT`` counts matches without a rule, ``UNKNOWN_MATCH`` mentions for which the linker reports
    no match. A match by two rules counts for both.

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
            # The key includes the score, which differs for abbreviations that the text defines.
            key = (text[mention.start : mention.end], mention.candidates[0])
            if key not in known:
                best = mention._replace(candidates=mention.candidates[:1])
                [one] = match_evidence(linker, text, best)
                known[key] = one.rules or (one.how,)
            counts.update(known[key])
    return counts


def _matches(linker: Linker, text: str, surface: str) -> Iterator[Match]:
    for part in component_linkers(linker):
        if isinstance(part, DictionaryLinker):
            yield from _defined(part, text, surface)
        if isinstance(part, Matching):
            yield from part.matches(surface)


def _defined(linker: DictionaryLinker, text: str, surface: str) -> Iterator[Match]:
    """Yield the matches of the long form of an abbreviation that the text defines."""
    if "abbreviations" not in linker.rules or not has_brackets(text):
        return
    # Link the text again only for possible abbreviations (a plural s can follow): this is faster.
    if surface.islower() or len(surface) > MAX_SHORT_LENGTH + 1:
        return
    defined = linker.abbreviation_spans(text)
    for short in {surface, surface.removesuffix("s")} & defined.keys():
        start, end = defined[short]
        for match in linker.matches(text[start:end]):
            yield match._replace(
                score=abbreviation_score(match.score), rules=("abbreviations", *match.rules)
            )
