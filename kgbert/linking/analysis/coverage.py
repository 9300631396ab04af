"""Measure how much of a text collection a linker links to a graph, and find suspicious names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.health.generic_names import generic_names
from kgbert.linking.analysis.coverage_text import render
from kgbert.linking.analysis.diagnosis import diagnose_no_links
from kgbert.linking.analysis.evidence import count_rules
from kgbert.linking.analysis.overlap import OverlapAssessment, OverlapStatistics, assess_overlap
from kgbert.linking.factory import domain_words_of
from kgbert.linking.mention import Linker, Mention
from kgbert.linking.normalization.casefold import fold_cluster
from kgbert.linking.normalization.stopwords import COMMON_NAMES
from kgbert.linking.normalization.words import split_words

#: Upper end of the histogram of mentions per text; texts with more are counted in the last bin.
MANY_MENTIONS = 6

#: Length of the prefix that a surface form shares with its name, as "shares" and "share" do.
_STEM = 3


class CoverageCounter:
    """Counts texts, words, mentions, their surface forms and their entities.

    Args:
        graph: The graph.
        generic: Names of the graph that are generic words.
        domain: The domain whose common words count as generic.
    """

    def __init__(self, graph: KnowledgeGraph, generic: Mapping[str, float], domain: str) -> None:
        self.linked_texts = self.words = self.linked_words = 0
        self.specific_texts = self.specific_mentions = 0
        self.texts_by_mentions = [0] * (MANY_MENTIONS + 1)
        self.entities: Counter[str] = Counter()
        self.surfaces: Counter[str] = Counter()
        self.surface_texts: Counter[str] = Counter()
        self.candidates: dict[str, int] = {}
        self.generic_mentions: Counter[str] = Counter()
        self.generic_texts: Counter[str] = Counter()
        self._graph, self._generic = graph, COMMON_NAMES[domain] | generic.keys()

    def add(self, text: str, mentions: Sequence[Mention]) -> None:
        """Count a text and its mentions."""
        self.words += _word_count(text)
        self.linked_texts += bool(mentions)
        self.linked_words += sum(_word_count(text[start:end]) for start, end in _union(mentions))
        self.texts_by_mentions[min(len(mentions), MANY_MENTIONS)] += 1
        here, generic = set(), []
        for mention in mentions:
            written = " ".join(text[mention.start : mention.end].split())
            surface = fold_cluster(written)
            here.add(surface)
            self.surfaces[surface] += 1
            self.candidates[surface] = max(len(mention.candidates), self.candidates.get(surface, 0))
            if mention.candidates:
                self.entities[mention.candidates[0].entity] += 1
            if name := self._generic_name(written, surface, mention):
                generic.append(name)
        self.surface_texts.update(here)
        self.generic_mentions.update(generic)
        self.generic_texts.update(set(generic))
        self.specific_mentions += len(mentions) - len(generic)
        self.specific_texts += len(mentions) > len(generic)

    def _generic_name(self, written: str, surface: str, mention: Mention) -> str:
        """Return the generic word that a mention matches; empty if none, or for an acronym."""
        if written.isupper() or " " in written:
            return ""
        if surface in self._generic:
            return surface
        entity = mention.candidates[0].entity if mention.candidates else ""
        index = self._graph.entity_ids.find(entity)
        if index is None:
            return ""
        for name in self._graph.names_of(index):
            folded = fold_cluster(name.text)
            if folded in self._generic and folded[:_STEM] == surface[:_STEM]:
                return folded
        return ""


def _word_count(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in split_words(fold_cluster(text)))


def _union(mentions: Sequence[Mention]) -> Iterable[tuple[int, int]]:
    """Yield the spans that mentions cover, without counting overlaps twice."""
    reached = 0
    for mention in sorted(mentions):
        if mention.end > reached:
            yield max(mention.start, reached), mention.end
            reached = mention.end


#: A surface form in more than this share of the texts does not discriminate between them.
TOO_FREQUENT = 0.2

#: Minimum number of texts for a meaningful share, and the number of texts per linker call.
FEWEST_TEXTS = 20
BATCH = 1024

#: Maximum number of lines in each list of the report.
LISTED = 10


@dataclass(frozen=True)
class EntityCount:
    """An entity and the number of mentions whose best candidate it is."""

    entity: str
    name: str
    mentions: int


@dataclass(frozen=True)
class SurfaceCount:
    """A case-folded surface form with its counts."""

    text: str
    mentions: int
    texts: int
    candidates: int


@dataclass(frozen=True)
class GenericName:
    """A name that is a generic word and therefore matches too often."""

    name: str
    texts: int
    mentions: int
    in_graph: float
    """The share of the graph's entities whose names contain it; 0 for a common English word."""


@dataclass(frozen=True)
class StopList:
    """The counts that remain without the generic names."""

    names: tuple[str, ...]
    linked_texts: int
    mentions: int


@dataclass(frozen=True)
class Coverage:
    """Linking statistics of texts; ``print`` gives a report, ``as_dict()`` gives JSON."""

    texts: int
    linked_texts: int
    words: int
    linked_words: int
    mentions: int
    entities: int
    """Number of distinct entities among the mentions' best candidates."""
    top_entities: tuple[EntityCount, ...]
    rules: dict[str, int]
    """Number of mentions by the rules that matched their best candidate, most frequent first."""
    top_surfaces: tuple[SurfaceCount, ...]
    ambiguous: tuple[SurfaceCount, ...]
    """Surface forms with several candidates, most frequent first."""
    too_frequent: tuple[SurfaceCount, ...]
    """Surface forms in more than TOO_FREQUENT of the texts."""
    generic: tuple[GenericName, ...]
    """Names that are generic words, those in most texts first."""
    stop_list: StopList
    """The counts without these names; shorter mentions inside theirs are not added."""
    texts_by_mentions: tuple[int, ...]
    """Number of texts with 0, 1, 2 ... mentions; the last bin includes texts with more."""
    isolated_mentions: int
    """Number of mentions of entities without edges and definition."""
    no_links_reason: str
    """Why nothing was linked, and a remedy; empty if something was linked."""

    @property
    def text_share(self) -> float:
        """The share of texts with a mention."""
        return _share(self.linked_texts, self.texts)

    @property
    def word_share(self) -> float:
        """The share of words inside a mention."""
        return _share(self.linked_words, self.words)

    @property
    def mentions_per_text(self) -> float:
        """The mean number of mentions per text."""
        return _share(self.mentions, self.texts)

    @property
    def assessment(self) -> OverlapAssessment:
        """A rule-of-thumb assessment whether the overlap is sufficient for knowledge to help."""
        return assess_overlap(
            OverlapStatistics(
                texts=self.texts,
                linked=self.text_share,
                specific=_share(self.stop_list.linked_texts, self.texts),
                generic=_share(self.mentions - self.stop_list.mentions, self.mentions),
                isolated=_share(self.isolated_mentions, self.mentions),
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the statistics and the shares for JSON."""
        shares = ("text_share", "word_share", "mentions_per_text")
        rounded = {share: round(getattr(self, share), 4) for share in shares}
        return asdict(self) | rounded | {"assessment": asdict(self.assessment)}

    def __str__(self) -> str:
        return render(self)


def coverage(texts: Iterable[str], linker: Linker, graph: KnowledgeGraph) -> Coverage:
    """Return how much of the texts a linker links to a graph.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> from kgbert.linking.dictionary.linker import DictionaryLinker
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> graph = builder.build()
    >>> found = coverage(["No fever.", "Nothing"], DictionaryLinker(graph), graph)
    >>> found.text_share, found.words, found.linked_words
    (0.5, 3, 1)
    """
    texts = list(texts)
    shares = generic_names(graph)
    tally, rules = CoverageCounter(graph, shares, domain_words_of(linker, graph)), Counter[str]()
    for first in range(0, len(texts), BATCH):
        batch = texts[first : first + BATCH]
        linked = linker(batch)
        rules += count_rules(linker, batch, linked)
        for text, mentions in zip(batch, linked, strict=True):
            tally.add(text, mentions)
    surfaces = [
        SurfaceCount(text, mentions, tally.surface_texts[text], tally.candidates[text])
        for text, mentions in _by_count(tally.surfaces)
    ]
    return Coverage(
        texts=len(texts),
        linked_texts=tally.linked_texts,
        words=tally.words,
        linked_words=tally.linked_words,
        mentions=sum(tally.surfaces.values()),
        entities=len(tally.entities),
        top_entities=tuple(
            EntityCount(
                entity, graph.name(graph.index(entity)) if entity in graph else "", mentions
            )
            for entity, mentions in _by_count(tally.entities)[:LISTED]
        ),
        rules=dict(_by_count(rules)),
        top_surfaces=tuple(surfaces[:LISTED]),
        ambiguous=tuple([surface for surface in surfaces if surface.candidates > 1][:LISTED]),
        too_frequent=tuple(
            surface
            for surface in surfaces
            if len(texts) >= FEWEST_TEXTS and surface.texts > TOO_FREQUENT * len(texts)
        ),
        generic=tuple(
            GenericName(name, count, tally.generic_mentions[name], round(shares.get(name, 0.0), 4))
            for name, count in _by_count(tally.generic_texts)
        ),
        stop_list=StopList(
            tuple(name for name, _ in _by_count(tally.generic_texts)),
            tally.specific_texts,
            tally.specific_mentions,
        ),
        texts_by_mentions=tuple(tally.texts_by_mentions),
        isolated_mentions=_isolated_mentions(graph, tally.entities),
        no_links_reason="" if tally.linked_texts else diagnose_no_links(texts, graph),
    )


def _by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _isolated_mentions(graph: KnowledgeGraph, entities: Counter[str]) -> int:
    """Return the number of mentions of entities without edges and definition."""
    degree = np.bincount(np.concatenate([graph.heads, graph.tails]), minlength=len(graph))
    found = ((graph.entity_ids.find(entity), count) for entity, count in entities.items())
    return sum(
        count
        for index, count in found
        if index is not None and not degree[index] and not graph.definitions[index]
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
