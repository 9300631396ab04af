"""Link texts to a graph by its names: the longest name wins, under rules that can be switched."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.dictionary.abbreviations import has_brackets, link_short_forms
from kgbert.linking.dictionary.fuzzy import FuzzyMatcher
from kgbert.linking.dictionary.index import NameIndex, index_names
from kgbert.linking.dictionary.scoring import Match, MatchScorer
from kgbert.linking.dictionary.settings import OVERLAPS, LinkerSettings
from kgbert.linking.dictionary.tokenizer import TokenizedTexts, WordTokenizer
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.normalizer import Normalizer
from kgbert.linking.normalization.rules import RULES
from kgbert.linking.normalization.stopwords import STOP_NAMES
from kgbert.linking.normalization.words import split_words

#: Texts searched at once: enough to spread numpy's overhead, few enough for the cache.
_BATCH = 512


class DictionaryLinker:
    """Finds the names of a graph in texts; a callable from texts to the mentions of each.

    Matches are the longest from the left, on word boundaries. A candidate's score is that of its
    name's scope times the factor of each rule that it took to see the name.

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
    ) -> None:
        """Index the names of a graph.

        Args:
            graph: Where the names come from.
            max_candidates: How many entities a mention keeps at most, the best first.
            rules: Names of the RULES that are switched on.
            stop_names: Names that are never linked, unless they are acronyms.
            overlaps: One of OVERLAPS: "longest" mentions only, or those "nested" in them too.
            fuzzy_min_length: Words of so many letters or more may have one letter wrong, missing,
                added or swapped with its neighbour; 0 forgives no typo.
            min_score: Candidates that score less are left out, and mentions with none left.
        """
        settings = LinkerSettings(
            max_candidates,
            frozenset(rules),
            frozenset(stop_names),
            overlaps,
            fuzzy_min_length,
            min_score,
        )
        self._start(graph, settings, index_names(_forms(graph, settings)))

    @classmethod
    def from_settings(
        cls,
        graph: KnowledgeGraph,
        settings: Mapping[str, Any],
        *,
        index: NameIndex | None = None,
    ) -> "DictionaryLinker":
        """Return the linker that had these settings, over a graph.

        Args:
            graph: Where the names come from.
            settings: What :attr:`settings` gave.
            index: The linker's own, where it is at hand; built anew if None.
        """
        linker = cls.__new__(cls)
        chosen = LinkerSettings.from_dict(settings)
        linker._start(graph, chosen, index or index_names(_forms(graph, chosen)))
        return linker

    def _start(self, graph: KnowledgeGraph, settings: LinkerSettings, index: NameIndex) -> None:
        self.graph, self.index, self._settings = graph, index, settings
        meant: Callable[[str], str | None] = _never
        if settings.fuzzy_min_length:
            meant = FuzzyMatcher(list(index.vocabulary), shortest=settings.fuzzy_min_length).meant
        self._scorer = MatchScorer(graph, settings, meant)
        self._reader = WordTokenizer(index.ids, Normalizer(settings.ordered_rules), meant)
        # The memories belong to one linker, not to the class: they die with it.
        self._remembered = lru_cache(maxsize=1 << 16)(self._candidates)
        self._entry = lru_cache(maxsize=1 << 16)(self._entry_of)

    @property
    def settings(self) -> dict[str, Any]:
        """What rebuilds this linker on the same graph, ready for JSON."""
        return self._settings.as_dict()

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are switched on, in the order in which words pass through them."""
        return self._settings.ordered_rules

    def __reduce__(self) -> tuple[Any, ...]:
        # What the linker remembers does not travel to another process; the index does.
        return _restored, (self.graph, self.settings, self.index)

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        if isinstance(texts, str):
            raise TypeError(f"a linker takes a list of texts; give [{texts[:20]!r}] for one text.")
        with _no_collections():
            linked: list[list[Mention]] = []
            for first in range(0, len(texts), _BATCH):
                linked += self._link(texts[first : first + _BATCH])
            if "abbreviations" not in self._settings.rules:
                return linked
            defining = map(has_brackets, texts)
            return [
                link_short_forms(text, mentions, self.candidates) if defines else mentions
                for text, mentions, defines in zip(texts, linked, defining, strict=True)
            ]

    def candidates(self, surface: str) -> tuple[Candidate, ...]:
        """Return what a whole piece of text may mean, best first: a linker for given spans.

        Nothing is searched inside it: "severe fever" is nothing where only "fever" is a name.
        """
        return self._remembered(self._entry(surface), surface)

    def matches(self, surface: str) -> list[Match]:
        """Return the names behind :meth:`candidates`, with the rules that it took to see them."""
        entry = self._entry(surface)
        return self._scorer.ranked(self.index.names_at(entry), surface)

    def refusal(self, name: str, surface: str) -> str:
        """Return why a name must not be linked though its words are there; empty if it may."""
        return self._scorer.refusal(name, surface)

    def _entry_of(self, surface: str) -> int:
        """Return the index's entry for a whole piece of text; NOWHERE if there is none."""
        return self.index.entry_of(self._reader.words(surface))

    def _candidates(self, entry: int, surface: str) -> tuple[Candidate, ...]:
        matches = self._scorer.ranked(self.index.names_at(entry), surface)
        return tuple(
            Candidate(match.entity, match.score)
            for match in matches[: self._settings.max_candidates]
            if match.score >= self._settings.min_score
        )

    def _link(self, texts: Sequence[str]) -> list[list[Mention]]:
        mentions: list[list[Mention]] = [[] for _ in texts]
        accepts = OVERLAPS[self._settings.overlaps]
        reading = self._reader.read(texts)
        reached = 0
        for owner, begin, first, end, entry, start, stop in self._runs(reading):
            if start < 0 or stop < 0 or not accepts(first, end, reached):
                continue
            if candidates := self._remembered(entry, reading.joined[start:stop]):
                mentions[owner].append(Mention(start - begin, stop - begin, candidates))
                reached = max(reached, end)
        return mentions

    def _runs(self, reading: TokenizedTexts) -> Iterator[tuple[int, ...]]:
        """Yield the runs of words that may be names, in reading order, longer ones first.

        Each is the number and the begin of its text, the first word and the word after the last,
        the index entry, and where it starts and stops.
        """
        firsts, lengths, entries = self.index.find(reading.ids)
        ends = firsts + lengths
        starts, stops = reading.spans(firsts, ends - 1)
        owners = reading.begins.searchsorted(starts, side="right") - 1
        columns = (owners, reading.begins[owners], firsts, ends, entries, starts, stops)
        return zip(*(column.tolist() for column in columns), strict=True)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Pause the search for cycles: mentions are many objects, which it would visit for nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _forms(graph: KnowledgeGraph, settings: LinkerSettings) -> Iterator[tuple[int, Sequence[str]]]:
    normaliser = Normalizer(settings.ordered_rules)
    for position, name in enumerate(graph.names):
        for form in normaliser.forms(split_words(fold_cluster(name))):
            yield position, form


def _never(word: str) -> None:
    """Take no word for another."""


def _restored(
    graph: KnowledgeGraph, settings: Mapping[str, Any], index: NameIndex
) -> DictionaryLinker:
    return DictionaryLinker.from_settings(graph, settings, index=index)
