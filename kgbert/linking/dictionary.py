"""Link texts to a graph by its names: the longest name wins, under rules that can be switched."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from kgbert.graph.graph import SCOPES, KnowledgeGraph
from kgbert.linking.abbreviations import link_short_forms
from kgbert.linking.acronyms import is_acronym, is_written_as, writes_acronyms
from kgbert.linking.folding import fold, fold_cluster
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.rules import RULES, normal_forms, normal_word, rules_needed
from kgbert.linking.spelling import singular
from kgbert.linking.stopping import COMMON_FACTOR, COMMON_NAMES, STOP_NAMES, is_stopped
from kgbert.linking.words import words_of
from kgbert.lookup import lookup

#: What a name's scope says about the entity, as the score of a match letter for letter.
SCOPE_SCORES = {"preferred": 1.0, "exact": 0.95, "related": 0.7, "broad": 0.6, "narrow": 0.5}


class DictionaryLinker:
    """Finds the names of a graph in texts; a callable from texts to the mentions of each.

    Matches are the longest from the left, on word boundaries, and do not overlap. A candidate's
    score is that of its name's scope times the factor of each rule that it took to see the name.

    >>> from kgbert.graph.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Crohn's disease")
    >>> builder.add_name("HP:2", "Neoplasms, Skin")
    >>> linker = DictionaryLinker(builder.build())
    >>> for mention in linker(["Skin neoplasm in Crohn disease"])[0]:
    ...     print(mention)
    Mention(start=0, end=13, candidates=(Candidate(entity='HP:2', score=0.9506),))
    Mention(start=17, end=30, candidates=(Candidate(entity='HP:1', score=0.99),))
    """

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        max_candidates: int = 4,
        rules: Iterable[str] | None = None,
        stop_names: Iterable[str] = STOP_NAMES,
    ) -> None:
        """Index the names of a graph.

        Args:
            graph: Where the names come from.
            max_candidates: How many entities a mention keeps at most, the best first.
            rules: Names of the RULES that are switched on; all of them by default.
            stop_names: Names that are never linked, unless they are acronyms.
        """
        if max_candidates < 1:
            raise ValueError(
                f"max_candidates is {max_candidates}, but a mention needs a candidate; "
                "give 1 to keep only the best."
            )
        wanted = RULES.keys() if rules is None else frozenset(rules)
        for rule in sorted(wanted):
            lookup(RULES, rule, "normalisation rule")
        self.graph = graph
        self.max_candidates = max_candidates
        self.rules = tuple(rule for rule in RULES if rule in wanted)
        self.stop_names = frozenset(map(fold_cluster, stop_names))
        self._names, self._lengths = _index(graph, self.rules)
        self._acronyms = "acronyms" in wanted and writes_acronyms(graph.names)
        # Caches belong to one linker, not to the class: they die with it.
        self._normal = lru_cache(maxsize=1 << 18)(lambda word: normal_word(word, self.rules))
        self._candidates = lru_cache(maxsize=1 << 16)(self._rank)

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        if isinstance(texts, str):
            raise TypeError(f"a linker takes a list of texts; give [{texts[:20]!r}] for one text.")
        if "abbreviations" not in self.rules:
            return [self._link(text) for text in texts]
        return [link_short_forms(text, self._link(text), self._meaning) for text in texts]

    @property
    def settings(self) -> dict[str, Any]:
        """What rebuilds this linker on the same graph, ready for JSON."""
        return {
            "linker": "dictionary",
            "max_candidates": self.max_candidates,
            "rules": {rule: rule in self.rules for rule in RULES},
            "stop_names": sorted(self.stop_names),
        }

    @classmethod
    def from_settings(
        cls, graph: KnowledgeGraph, settings: Mapping[str, Any]
    ) -> "DictionaryLinker":
        """Return the linker that had these settings, over a graph."""
        return cls(
            graph,
            max_candidates=settings["max_candidates"],
            rules=[rule for rule, switched_on in settings["rules"].items() if switched_on],
            stop_names=settings["stop_names"],
        )

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what a whole piece of text may mean, best first; a linker for given spans.

        Nothing is searched inside it: "severe fever" means nothing where only "fever" is a name.
        """
        return self._candidates(surface)

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes rebuild the linker; its caches and lambdas do not travel.
        return DictionaryLinker.from_settings, (self.graph, self.settings)

    def _link(self, text: str) -> list[Mention]:
        folded = fold(text)
        spans: list[tuple[int, int]] = []
        normals: list[str] = []
        for word in words_of(folded.text):
            if normal := self._normal(word.text):
                spans.append((word.start, word.end))
                normals.append(normal)
        mentions = []
        position = 0
        while position < len(normals):
            step = 1
            for length in self._lengths.get(normals[position], ()):
                end = position + length
                if end > len(normals) or " ".join(normals[position:end]) not in self._names:
                    continue
                span = folded.span(spans[position][0], spans[end - 1][1])
                if span and (candidates := self._candidates(text[slice(*span)])):
                    mentions.append(Mention(*span, candidates))
                    step = length
                    break
            position += step
        return mentions

    def _meaning(self, long_form: str) -> tuple[Candidate, ...]:
        factor = RULES["abbreviations"].factor
        return tuple(
            Candidate(entity, round(score * factor, 4))
            for entity, score in self._candidates(long_form)
        )

    def _rank(self, surface: str) -> tuple[Candidate, ...]:
        """Return the entities that a piece of text may mean, best first."""
        words = tuple(word.text for word in words_of(fold_cluster(surface)))
        normal = " ".join(filter(None, map(self._normal, words)))
        scores: dict[int, float] = {}
        for position in self._names.get(normal, ()):
            entity = int(self.graph.name_entities[position])
            scores[entity] = max(scores.get(entity, 0.0), self._score(position, surface, words))
        ranked = sorted((-score, entity) for entity, score in scores.items() if score)
        return tuple(
            Candidate(self.graph.entity_ids[entity], round(-score, 4))
            for score, entity in ranked[: self.max_candidates]
        )

    def _score(self, position: int, surface: str, words: tuple[str, ...]) -> float:
        """Return how well a piece of text fits a name; 0 where it must not be linked."""
        name = self.graph.names[position]
        score = SCOPE_SCORES[SCOPES[self.graph.name_scopes[position]]]
        folded = fold_cluster(name)
        if self._acronyms and is_acronym(name):
            if not is_written_as(name, surface):
                return 0.0
        elif is_stopped(folded, self.stop_names) or is_stopped(" ".join(words), self.stop_names):
            return 0.0
        needed = rules_needed(tuple(word.text for word in words_of(folded)), words, self.rules)
        if len(words) == 1 and not COMMON_NAMES.isdisjoint((singular(words[0]), words[0])):
            if set(needed) - {"plural"}:
                return 0.0
            score *= COMMON_FACTOR
        for rule in needed:
            score *= RULES[rule].factor
        return score


def _index(
    graph: KnowledgeGraph, rules: tuple[str, ...]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return name positions by normal form, and by first word how long, longest first."""
    names: dict[str, tuple[int, ...]] = {}
    lengths: dict[str, set[int]] = {}
    for position, name in enumerate(graph.names):
        words = tuple(word.text for word in words_of(fold_cluster(name)))
        for form in normal_forms(words, rules):
            key = " ".join(form)
            names[key] = (*names.get(key, ()), position)
            lengths.setdefault(form[0], set()).add(len(form))
    ordered = {first: tuple(sorted(known, reverse=True)) for first, known in lengths.items()}
    return names, ordered
