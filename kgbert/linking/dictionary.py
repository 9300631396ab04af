"""Link texts to a graph by its names: the longest name wins, under rules that can be switched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.abbreviations import link_short_forms
from kgbert.linking.folding import fold, fold_cluster
from kgbert.linking.index import DROPPED, NOWHERE, UNKNOWN, NameIndex, index_names
from kgbert.linking.mention import Candidate, Mention
from kgbert.linking.normalising import Normaliser
from kgbert.linking.overlaps import OVERLAPS
from kgbert.linking.rules import RULES
from kgbert.linking.scoring import Match, Scorer
from kgbert.linking.settings import LinkerSettings
from kgbert.linking.stopping import STOP_NAMES
from kgbert.linking.words import pieces_of, words_of

#: Texts searched at once: enough to spread numpy's overhead, few enough for the cache.
_BATCH = 512

#: Different words remembered at most; texts hold ever new ones.
_MOST_WORDS = 1 << 20


class DictionaryLinker:
    """Finds the names of a graph in texts; a callable from texts to the mentions of each.

    Matches are the longest from the left, on word boundaries. A candidate's score is that of its
    name's scope times the factor of each rule that it took to see the name.

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
        rules: Iterable[str] = tuple(RULES),
        stop_names: Iterable[str] = STOP_NAMES,
        overlaps: str = "longest",
    ) -> None:
        """Index the names of a graph.

        Args:
            graph: Where the names come from.
            max_candidates: How many entities a mention keeps at most, the best first.
            rules: Names of the RULES that are switched on.
            stop_names: Names that are never linked, unless they are acronyms.
            overlaps: One of OVERLAPS: "longest" mentions only, or those "nested" in them too.
        """
        settings = LinkerSettings(max_candidates, frozenset(rules), frozenset(stop_names), overlaps)
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
        self._scorer = Scorer(graph, settings)
        self._ids = _WordIds(index.ids, Normaliser(settings.ordered_rules))
        # The memory belongs to one linker, not to the class: it dies with it.
        self._remembered = lru_cache(maxsize=1 << 16)(self._candidates)

    @property
    def settings(self) -> dict[str, Any]:
        """What rebuilds this linker on the same graph, ready for JSON."""
        return self._settings.as_dict()

    def __reduce__(self) -> tuple[Any, ...]:
        # What the linker remembers does not travel to another process; the index does.
        return _restored, (self.graph, self.settings, self.index)

    def __call__(self, texts: Sequence[str]) -> list[list[Mention]]:
        """Return the mentions of each text, in reading order."""
        if isinstance(texts, str):
            raise TypeError(f"a linker takes a list of texts; give [{texts[:20]!r}] for one text.")
        linked: list[list[Mention]] = []
        for first in range(0, len(texts), _BATCH):
            linked += self._link(texts[first : first + _BATCH])
        if "abbreviations" not in self._settings.rules:
            return linked
        return [
            link_short_forms(text, mentions, self.candidates)
            for text, mentions in zip(texts, linked, strict=True)
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

    def _entry(self, surface: str) -> int:
        """Return the index's entry for a whole piece of text; NOWHERE if there is none."""
        numbers = map(self._ids.__getitem__, words_of(fold_cluster(surface)))
        ids = np.array([number for number in numbers if number != DROPPED], np.int64)
        positions, lengths, entries = self.index.find(ids)
        return int(entries[(positions == 0) & (lengths == len(ids))].max(initial=NOWHERE))

    def _candidates(self, entry: int, surface: str) -> tuple[Candidate, ...]:
        matches = self._scorer.ranked(self.index.names_at(entry), surface)
        kept = matches[: self._settings.max_candidates]
        return tuple(Candidate(match.entity, match.score) for match in kept)

    def _link(self, texts: Sequence[str]) -> list[list[Mention]]:
        folded = [fold(text) for text in texts]
        pieces = [pieces_of(each.text) for each in folded]
        mentions: list[list[Mention]] = [[] for _ in texts]
        accepts = OVERLAPS[self._settings.overlaps]
        for number, runs in self._runs(pieces):
            offsets = list(accumulate(map(len, pieces[number])))
            reached = 0
            for first, end, entry in runs:
                if not accepts(first, end, reached):
                    continue
                span = folded[number].span(offsets[2 * first], offsets[2 * end - 1])
                if span and (candidates := self._remembered(entry, texts[number][slice(*span)])):
                    mentions[number].append(Mention(*span, candidates))
                    reached = max(reached, end)
        return mentions

    def _runs(
        self, pieces: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """Yield by text the runs of words that may be names: first word, end, and index entry."""
        ids: list[int] = []
        starts = [0]
        for each in pieces:
            ids += map(self._ids.__getitem__, each[1::2])
            ids.append(UNKNOWN)  # no name reaches from one text into the next
            starts.append(len(ids))
        numbers = np.array(ids, np.int64)
        kept = np.flatnonzero(numbers != DROPPED)
        positions, lengths, entries = self.index.find(numbers[kept])
        firsts, ends = kept[positions], kept[positions + lengths - 1] + 1
        owners = np.searchsorted(starts, firsts, side="right") - 1
        begun = np.take(starts, owners)
        runs = list(
            zip((firsts - begun).tolist(), (ends - begun).tolist(), entries.tolist(), strict=True)
        )
        edges = np.flatnonzero(np.diff(owners, prepend=-1, append=-2)).tolist()
        for start, end in pairwise(edges):
            yield int(owners[start]), runs[start:end]


class _WordIds(dict[str, int]):
    """The id in the index of words as texts write them, found out once for each."""

    def __init__(self, ids: Mapping[str, int], normaliser: Normaliser) -> None:
        super().__init__()
        self._vocabulary, self._normaliser = ids, normaliser

    def __missing__(self, word: str) -> int:
        normal = self._normaliser.word(word)
        number = self._vocabulary.get(normal, UNKNOWN) if normal else DROPPED
        if len(self) < _MOST_WORDS:
            self[word] = number
        return number


def _forms(graph: KnowledgeGraph, settings: LinkerSettings) -> Iterator[tuple[int, Sequence[str]]]:
    normaliser = Normaliser(settings.ordered_rules)
    for position, name in enumerate(graph.names):
        for form in normaliser.forms(words_of(fold_cluster(name))):
            yield position, form


def _restored(
    graph: KnowledgeGraph, settings: Mapping[str, Any], index: NameIndex
) -> DictionaryLinker:
    return DictionaryLinker.from_settings(graph, settings, index=index)
