"""Link texts to a graph by its names: the longest match wins, under rules that can be disabled."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.abbreviations import find_definitions, has_brackets, link_short_forms
from kgbert.linking.dictionary.fuzzy import FuzzyMatcher
from kgbert.linking.dictionary.index import NameIndex, index_names
from kgbert.linking.dictionary.line_breaks import has_broken_words, link_broken_words
from kgbert.linking.dictionary.scoring import Match, MatchScorer
from kgbert.linking.dictionary.settings import OVERLAPS, LinkerSettings
from kgbert.linking.dictionary.tokenizer import TokenizedTexts, WordTokenizer
from kgbert.linking.dictionary.unknown_words import UnknownWords
from kgbert.linking.mention import Candidate, Mention, as_texts
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.linking.normalization.words import split_words

#: Maximum number of words of an indexed name; longer names are texts, and slow the search.
_MAX_NAME_WORDS = 256

#: Texts searched at once: enough to spread the overhead of numpy, few enough for the CPU cache.
_BATCH = 512


class DictionaryLinker:
    """Finds the names of a graph in texts; a callable from texts to the mentions of each.

    Matches are the longest from the left, on word boundaries. The score of a candidate is that of
    the scope of its name, times the factor of each rule that the match requires.

    >>> from kgbert.graph.storage.builder import GraphBuilder
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
        rules: Iterable[str] = tuple(RULES),
        stop_names: Iterable[str] = STOP_NAMES,
        overlaps: str = "longest",
        fuzzy_min_length: int = 0,
        min_score: float = 0.0,
        domain_words: str | None = None,
    ) -> None:
        """Index the names of a graph.

        Args:
            graph: The graph whose names are indexed.
            max_candidates: Most candidate entities of a mention, the best first.
            rules: Names of the RULES that are switched on.
            stop_names: Names that are never linked, unless they are acronyms.
            overlaps: A name in OVERLAPS: only the "longest" mentions, or also those "nested" in
                them.
            fuzzy_min_length: Shortest word, in letters, in which one letter may be wrong, missing,
                added or swapped with its neighbour; 0 tolerates no typo.
            min_score: Candidates with lower scores are left out, and mentions without candidates.
            domain_words: A name in DOMAINS whose word lists are used, as "medicine"; None means
                the domain that the graph's card names, if any.
        """
        settings = LinkerSettings(
            max_candidates,
            frozenset(rules),
            frozenset(stop_names),
            overlaps,
            fuzzy_min_length,
            min_score,
            domain_words,
        ).for_domain(graph.domain)
        self._start(graph, settings, index_names(_forms(graph, settings)))

    @classmethod
    def from_settings(
        cls,
        graph: KnowledgeGraph,
        settings: Mapping[str, Any],
        *,
        index: NameIndex | None = None,
    ) -> "DictionaryLinker":
        """Return the linker of a graph with these settings.

        Args:
            graph: The graph whose names are indexed.
            settings: The settings, as :attr:`settings` returns them.
            index: The index of the linker; None builds it.
        """
        linker = cls.__new__(cls)
        chosen = LinkerSettings.from_dict(settings).for_domain(graph.domain)
        linker._start(graph, chosen, index or index_names(_forms(graph, chosen)))
        return linker

    def _start(self, graph: KnowledgeGraph, settings: LinkerSettings, index: NameIndex) -> None:
        self.graph, self.index, self._settings = graph, index, settings
        correct: Callable[[str], str | None] = _no_correction
        if settings.fuzzy_min_length:
            vocabulary = list(index.vocabulary)
            correct = FuzzyMatcher(vocabulary, shortest=settings.fuzzy_min_length).correct
        normalizer = Normalizer(settings.ordered_rules)
        unknown_words = UnknownWords(index.ids.keys(), normalizer, correct)
        self._scorer = MatchScorer(graph, settings, normalizer, unknown_words)
        self._tokenizer = WordTokenizer(index.ids, normalizer, unknown_words)
        # The caches belong to the instance and not to the class, so that they are freed with it.
        self._cached_candidates = lru_cache(maxsize=1 << 16)(self._candidates)
        self._entry = lru_cache(maxsize=1 << 16)(self._entry_of)
        self._abbreviation_spans = lru_cache(maxsize=8)(self._find_abbreviations)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that rebuild this linker on the same graph, for JSON."""
        return self._settings.as_dict()

    @property
    def rules(self) -> tuple[str, ...]:
        """The active rules, in the order in which they are applied to a word."""
        return self._settings.ordered_rules

    def __reduce__(self) -> tuple[Any, ...]:
        # The caches are not pickled; the index is.
        return _restore, (self.graph, self.settings, self.index)

    def __call__(self, texts: Iterable[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        texts = as_texts(texts)
        with _garbage_collection_paused():
            linked = self._link_all(texts)
            if "line-breaks" in self.rules:
                linked = [
                    link_broken_words(text, mentions, self._link_all)
                    if has_broken_words(text)
                    else mentions
                    for text, mentions in zip(texts, linked, strict=True)
                ]
            if "abbreviations" not in self.rules:
                return linked
            return [
                link_short_forms(text, mentions, self.candidates)
                if has_brackets(text)
                else mentions
                for text, mentions in zip(texts, linked, strict=True)
            ]

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return the candidates of a whole surface form, best first: a linker for given spans.

        The surface is not searched: "severe fever" has no candidate if only "fever" is a name.
        """
        return self._cached_candidates(self._entry(surface), surface)

    def matches(self, surface: str) -> list[Match]:
        """Return the names behind :meth:`candidates`, with the rules that each match requires."""
        entry = self._entry(surface)
        return self._scorer.ranked(self.index.names_at(entry), surface)

    def abbreviation_spans(self, text: str) -> dict[str, tuple[int, int]]:
        """Return the abbreviations that a text defines, with the spans of their long forms."""
        return self._abbreviation_spans(text)

    def refusal(self, name: str, surface: str) -> str:
        """Return why a name is not linked although its words match; empty if it is linked."""
        return self._scorer.refusal(name, surface)

    def _find_abbreviations(self, text: str) -> dict[str, tuple[int, int]]:
        [mentions] = self([text])
        found = find_definitions(text, (mention[:2] for mention in mentions))
        return {short: (start, end) for short, start, end in reversed(found)}

    def _entry_of(self, surface: str) -> int:
        """Return the index entry of a whole surface form; NOWHERE if there is none."""
        return self.index.entry_of(self._tokenizer.words(surface))

    def _candidates(self, entry: int, surface: str) -> tuple[Candidate, ...]:
        matches = self._scorer.ranked(self.index.names_at(entry), surface)
        return tuple(
            Candidate(match.entity, match.score)
            for match in matches[: self._settings.max_candidates]
            if match.score >= self._settings.min_score
        )

    def _link_all(self, texts: Sequence[str]) -> list[list[Mention]]:
        linked: list[list[Mention]] = []
        for first in range(0, len(texts), _BATCH):
            linked += self._link(texts[first : first + _BATCH])
        return linked

    def _link(self, texts: Sequence[str]) -> list[list[Mention]]:
        mentions: list[list[Mention]] = [[] for _ in texts]
        accepts = OVERLAPS[self._settings.overlaps]
        tokenized = self._tokenizer.tokenize(texts)
        covered = 0
        for text, text_start, first, end, entry, start, stop in self._runs(tokenized):
            if start < 0 or stop < 0 or not accepts(first, end, covered):
                continue
            if candidates := self._cached_candidates(entry, tokenized.joined[start:stop]):
                mentions[text].append(Mention(start - text_start, stop - text_start, candidates))
                covered = max(covered, end)
        return mentions

    def _runs(self, tokenized: TokenizedTexts) -> Iterator[tuple[int, ...]]:
        """Yield the runs of words that may be names, in reading order, longer ones first.

        Each is the number and the start of its text, the first word and the word behind the last,
        the index entry, and its start and end offset.
        """
        firsts, lengths, entries = self.index.find(tokenized.ids)
        ends = firsts + lengths
        starts, stops = tokenized.spans(firsts, ends - 1)
        texts = tokenized.text_starts.searchsorted(starts, side="right") - 1
        columns = (texts, tokenized.text_starts[texts], firsts, ends, entries, starts, stops)
        return zip(*(column.tolist() for column in columns), strict=True)


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pause garbage collection, which would visit every mention without freeing any."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _forms(graph: KnowledgeGraph, settings: LinkerSettings) -> Iterator[tuple[int, Sequence[str]]]:
    normalizer = Normalizer(settings.ordered_rules)
    for position, name in enumerate(graph.names):
        words = split_words(fold_cluster(name))
        if len(words) <= _MAX_NAME_WORDS:
            for form in normalizer.forms(words):
                yield position, form


def _no_correction(word: str) -> None:
    """Find no known word for an unknown one."""


def _restore(
    graph: KnowledgeGraph, settings: Mapping[str, Any], index: NameIndex
) -> DictionaryLinker:
    return DictionaryLinker.from_settings(graph, settings, index=index)
