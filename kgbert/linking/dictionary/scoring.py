"""Decide which names a surface form matches, and score each match."""

from collections.abc import Iterable
from typing import NamedTuple

from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.linking.dictionary.fuzzy import TYPO, TYPO_FACTOR
from kgbert.linking.dictionary.settings import LinkerSettings
from kgbert.linking.dictionary.unknown_words import UnknownWords
from kgbert.linking.normalization.acronyms import is_acronym, is_written_as, writes_acronyms
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer, required_rules
from kgbert.linking.normalization.rules import RULES, Words
from kgbert.linking.normalization.spelling import singular
from kgbert.linking.normalization.stopwords import COMMON_FACTOR, COMMON_NAMES, is_stop_name
from kgbert.linking.normalization.words import split_words

#: By the scope of a name, the score of an exact match.
SCOPE_SCORES = {"preferred": 1.0, "exact": 0.95, "related": 0.7, "broad": 0.6, "narrow": 0.5}


class Match(NamedTuple):
    """A name that matches a surface form, and the rules of the match."""

    entity: str
    score: float
    name: str
    scope: str
    rules: tuple[str, ...]
    """The rules that were required; none if name and surface have the same words."""


class _Surface(NamedTuple):
    """A surface form as it is written, and folded."""

    text: str
    folded: str


class MatchScorer:
    """Scores names of a graph against surface forms."""

    def __init__(
        self,
        graph: KnowledgeGraph,
        settings: LinkerSettings,
        normalizer: Normalizer,
        unknown_words: UnknownWords,
    ) -> None:
        """Prepare the scoring.

        Args:
            graph: The graph whose names are matched.
            settings: The settings of the linker.
            normalizer: Brings words to their normal form.
            unknown_words: Finds a known word for an unknown one.
        """
        self.graph, self.settings = graph, settings
        self._normalizer, self._unknown_words = normalizer, unknown_words
        self._common_names = COMMON_NAMES[settings.domain_words or "none"]
        self._acronyms = "acronyms" in settings.rules and writes_acronyms(graph.names)

    def ranked(self, names: Iterable[int], surface: str) -> list[Match]:
        """Return the best match of each entity, best first, ties by entity id.

        Args:
            names: Positions of possible names in the graph.
            surface: The surface form as it is written.
        """
        form = _surface(surface)
        best: dict[str, Match] = {}
        for position in sorted(set(names)):
            match = self._match(position, form)
            if match and (match.entity not in best or match.score > best[match.entity].score):
                best[match.entity] = match
        return sorted(best.values(), key=lambda match: (-match.score, match.entity))

    def refusal(self, name: str, surface: str) -> str:
        """Return why a name is not linked although its words match; empty if it is linked."""
        return self._refusal(_surface(name), _surface(surface))

    def _refusal(self, name: _Surface, surface: _Surface) -> str:
        if self._acronyms and is_acronym(name.text):
            if not is_written_as(name.text, surface.text):
                return "an acronym needs its capitals (rule 'acronyms')"
        elif is_stop_name(name.folded, self.settings.stop_names) or is_stop_name(
            surface.folded, self.settings.stop_names
        ):
            return "it is a stop name, a single letter, or has no letter (stop_names)"
        return ""

    def _match(self, position: int, surface: _Surface) -> Match | None:
        name = _surface(self.graph.names[position])
        if self._refusal(name, surface):
            return None
        rules: tuple[str, ...] | None = ()
        if name.folded != surface.folded:
            rules = self._rules(_words(name.folded), _words(surface.folded))
        if rules is None:
            return None
        scope = SCOPES[self.graph.name_scopes[position]]
        score = SCOPE_SCORES[scope]
        if self._is_common(surface.folded):
            # A common word counts only if the graph has exactly this word.
            if set(rules) - {"plural"}:
                return None
            score *= COMMON_FACTOR
        for rule in rules:
            score *= TYPO_FACTOR if rule == TYPO else RULES[rule].factor
        entity = self.graph.entity_ids[int(self.graph.name_entities[position])]
        return Match(entity, round(score, 4), name.text, scope, rules)

    def _rules(self, name: Words, words: Words) -> tuple[str, ...] | None:
        """Return the rules that match a name to words, those for unknown words included."""
        rules = required_rules(name, words, self.settings.ordered_rules)
        if rules is not None:
            return rules
        found = [self._unknown_words.resolve(word) for word in words]
        if not any(found):
            return None
        replaced = tuple(
            resolution.replacement if resolution else word
            for word, resolution in zip(words, found, strict=True)
        )
        rules = required_rules(name, replaced, self.settings.ordered_rules)
        used = dict.fromkeys(resolution.rule for resolution in found if resolution)
        return None if rules is None else (*rules, *used)

    def _is_common(self, folded: str) -> bool:
        word = folded.strip()
        return not self._common_names.isdisjoint((word, singular(word)))


def _surface(text: str) -> _Surface:
    return _Surface(text, fold_cluster(text))


def _words(folded: str) -> Words:
    return tuple(split_words(folded))
