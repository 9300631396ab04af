"""Decide which names a piece of text may stand for, and how well each fits."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.dictionary.fuzzy import TYPO, TYPO_FACTOR
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.normalization.acronyms import is_acronym, is_written_as, writes_acronyms
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer, rules_needed
from kgbert.linking.normalization.rules import RULES, Words
from kgbert.linking.normalization.spelling import singular
from kgbert.linking.normalization.stopwords import COMMON_FACTOR, COMMON_NAMES, is_stopped
from kgbert.linking.normalization.words import split_words

#: What a name's scope says about the entity, as the score of a match letter for letter.
SCOPE_SCORES = {"preferred": 1.0, "exact": 0.95, "related": 0.7, "broad": 0.6, "narrow": 0.5}


class Match(NamedTuple):
    """A name that a piece of text may stand for, and why."""

    entity: str
    score: float
    name: str
    scope: str
    rules: tuple[str, ...]
    """The rules that it took to see the name in the text; none where they have the same words."""


class _Said(NamedTuple):
    """A piece of text as the user gave it, and folded."""

    surface: str
    folded: str


class MatchScorer:
    """Scores names of a graph against what a text says."""

    def __init__(
        self,
        graph: KnowledgeGraph,
        settings: LinkerSettings,
        meant: Callable[[str], str | None],
    ) -> None:
        """Score by what the settings say.

        Args:
            graph: Where the names come from.
            settings: The choices of the linker.
            meant: The known word that an unknown one is taken for, if any.
        """
        self.graph, self.settings, self._meant = graph, settings, meant
        self._normaliser = Normalizer(settings.ordered_rules)
        self._acronyms = "acronyms" in settings.rules and writes_acronyms(graph.names)

    def ranked(self, names: Iterable[int], surface: str) -> list[Match]:
        """Return the best match of each entity, best first, ties by entity id.

        Args:
            names: Positions in the graph of the names that come into question.
            surface: The piece of text as the user gave it.
        """
        said = _said(surface)
        best: dict[str, Match] = {}
        for position in sorted(set(names)):
            match = self._match(position, said)
            if match and (match.entity not in best or match.score > best[match.entity].score):
                best[match.entity] = match
        return sorted(best.values(), key=lambda match: (-match.score, match.entity))

    def refusal(self, name: str, surface: str) -> str:
        """Return why a name must not be linked though its words are there; empty if it may."""
        return self._refusal(_said(name), _said(surface))

    def _refusal(self, name: _Said, said: _Said) -> str:
        if self._acronyms and is_acronym(name.surface):
            if not is_written_as(name.surface, said.surface):
                return "an acronym needs its capitals (rule 'acronyms')"
        elif is_stopped(name.folded, self.settings.stop_names) or is_stopped(
            said.folded, self.settings.stop_names
        ):
            return "it is a stop name, a single letter, or holds no letter (stop_names)"
        return ""

    def _match(self, position: int, said: _Said) -> Match | None:
        name = _said(self.graph.names[position])
        if self._refusal(name, said):
            return None
        rules: tuple[str, ...] | None = ()
        if name.folded != said.folded:
            rules = self._rules(_words(name.folded), _words(said.folded))
        if rules is None:
            return None
        scope = SCOPES[self.graph.name_scopes[position]]
        score = SCOPE_SCORES[scope]
        if _is_common(said.folded):
            # A common word is worth something only where the graph has just that word.
            if set(rules) - {"plural"}:
                return None
            score *= COMMON_FACTOR
        for rule in rules:
            score *= TYPO_FACTOR if rule == TYPO else RULES[rule].factor
        entity = self.graph.entity_ids[int(self.graph.name_entities[position])]
        return Match(entity, round(score, 4), name.surface, scope, rules)

    def _rules(self, name: Words, words: Words) -> tuple[str, ...] | None:
        """Return the rules that it takes to see a name, a typo if need be among them."""
        rules = rules_needed(name, words, self.settings.ordered_rules)
        if rules is not None or not self.settings.fuzzy_min_length:
            return rules
        normal = self._normaliser.words(words)
        mended = tuple(self._meant(word) or word for word in normal)
        rules = rules_needed(name, mended, self.settings.ordered_rules)
        return None if rules is None or mended == normal else (*rules, TYPO)


def _said(surface: str) -> _Said:
    return _Said(surface, fold_cluster(surface))


def _words(folded: str) -> Words:
    return tuple(split_words(folded))


def _is_common(folded: str) -> bool:
    word = folded.strip()
    return not COMMON_NAMES.isdisjoint((word, singular(word)))
