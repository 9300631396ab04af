"""How much of a user's texts the names of a graph reach, and what looks wrong about it."""

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

#: Numbers of mentions in a text that are counted apart; the last stands for more, too.
MANY_MENTIONS = 6

#: Letters that a surface and the name behind it share at least, as "shares" and "share" do.
_STEM = 3


class CoverageCounter:
    """Counts texts, words, mentions, what they say and what they were linked to.

    Args:
        graph: The graph.
        ordinary: Names of it that are ordinary words.
        domain: The domain whose common words count as ordinary.
    """

    def __init__(self, graph: KnowledgeGraph, ordinary: Mapping[str, float], domain: str) -> None:
        self.linked_texts = self.words = self.linked_words = 0
        self.telling_texts = self.telling_mentions = 0
        self.texts_by_mentions = [0] * (MANY_MENTIONS + 1)
        self.entities: Counter[str] = Counter()
        self.surfaces: Counter[str] = Counter()
        self.surface_texts: Counter[str] = Counter()
        self.candidates: dict[str, int] = {}
        self.ordinary_mentions: Counter[str] = Counter()
        self.ordinary_texts: Counter[str] = Counter()
        self._graph, self._ordinary = graph, COMMON_NAMES[domain] | ordinary.keys()

    def add(self, text: str, mentions: Sequence[Mention]) -> None:
        """Count a text and what was found in it."""
        self.words += _word_count(text)
        self.linked_texts += bool(mentions)
        self.linked_words += sum(_word_count(text[start:end]) for start, end in _union(mentions))
        self.texts_by_mentions[min(len(mentions), MANY_MENTIONS)] += 1
        here, ordinary = set(), []
        for mention in mentions:
            said = " ".join(text[mention.start : mention.end].split())
            surface = fold_cluster(said)
            here.add(surface)
            self.surfaces[surface] += 1
            self.candidates[surface] = max(len(mention.candidates), self.candidates.get(surface, 0))
            if mention.candidates:
                self.entities[mention.candidates[0].entity] += 1
            if name := self._ordinary_name(said, surface, mention):
                ordinary.append(name)
        self.surface_texts.update(here)
        self.ordinary_mentions.update(ordinary)
        self.ordinary_texts.update(set(ordinary))
        self.telling_mentions += len(mentions) - len(ordinary)
        self.telling_texts += len(mentions) > len(ordinary)

    def _ordinary_name(self, said: str, surface: str, mention: Mention) -> str:
        """Return the ordinary word that a mention is; empty where it is none, or an acronym."""
        if said.isupper() or " " in said:
            return ""
        if surface in self._ordinary:
            return surface
        entity = mention.candidates[0].entity if mention.candidates else ""
        index = self._graph.entity_ids.find(entity)
        if index is None:
            return ""
        for name in self._graph.names_of(index):
            folded = fold_cluster(name.text)
            if folded in self._ordinary and folded[:_STEM] == surface[:_STEM]:
                return folded
        return ""


def _word_count(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in split_words(fold_cluster(text)))


def _union(mentions: Sequence[Mention]) -> Iterable[tuple[int, int]]:
    """Yield the spans that mentions cover, overlapping ones as one."""
    reached = 0
    for mention in sorted(mentions):
        if mention.end > reached:
            yield max(mention.start, reached), mention.end
            reached = mention.end


#: A surface in more than this share of the texts says nothing about any of them.
TOO_FREQUENT = 0.2

#: How many texts it takes before a share of them means anything, and how many go to the linker
#: at once.
FEWEST_TEXTS = 20
BATCH = 1024

#: How many lines each list of the report has.
LISTED = 10


@dataclass(frozen=True)
class EntityCount:
    """An entity and how many mentions have it as their best candidate."""

    entity: str
    name: str
    mentions: int


@dataclass(frozen=True)
class SurfaceCount:
    """Something the texts say, in folded case, and what it was linked to."""

    text: str
    mentions: int
    texts: int
    candidates: int


@dataclass(frozen=True)
class GenericName:
    """A name that is an ordinary word, and so matches too much."""

    name: str
    texts: int
    mentions: int
    in_graph: float
    """The share of the graph's entities that say it; 0 for a word common in English."""


@dataclass(frozen=True)
class StopList:
    """What is left without the ordinary names."""

    names: tuple[str, ...]
    linked_texts: int
    mentions: int


@dataclass(frozen=True)
class Coverage:
    """What a linker found in texts; ``print`` it for a report, ``as_dict()`` for JSON."""

    texts: int
    linked_texts: int
    words: int
    linked_words: int
    mentions: int
    entities: int
    """Different entities that are some mention's best candidate."""
    top_entities: tuple[EntityCount, ...]
    rules: dict[str, int]
    """Mentions by the rules that it took to see their best candidate, most first."""
    top_surfaces: tuple[SurfaceCount, ...]
    ambiguous: tuple[SurfaceCount, ...]
    """Surfaces with several candidates, the most frequent first."""
    too_frequent: tuple[SurfaceCount, ...]
    """Surfaces in more than TOO_FREQUENT of the texts: they tell these little apart."""
    ordinary: tuple[GenericName, ...]
    """Names that are ordinary words, those in most texts first."""
    stop_list: StopList
    """What never linking these names would leave; mentions that they hide are not counted."""
    texts_by_mentions: tuple[int, ...]
    """Texts with 0, 1, 2 ... mentions; the last number is of texts with so many or more."""
    bare_mentions: int
    """Mentions of entities of which the graph has no edge and no definition."""
    silence: str
    """Why nothing at all was linked and what to do; empty where something was."""

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
        """Mentions in a text on average."""
        return _share(self.mentions, self.texts)

    @property
    def assessment(self) -> OverlapAssessment:
        """A guess whether there is enough overlap for knowledge to help."""
        return assess_overlap(
            OverlapStatistics(
                texts=self.texts,
                linked=self.text_share,
                telling=_share(self.stop_list.linked_texts, self.texts),
                ordinary=_share(self.mentions - self.stop_list.mentions, self.mentions),
                bare=_share(self.bare_mentions, self.mentions),
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, the shares included."""
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
        ordinary=tuple(
            GenericName(name, count, tally.ordinary_mentions[name], round(shares.get(name, 0.0), 4))
            for name, count in _by_count(tally.ordinary_texts)
        ),
        stop_list=StopList(
            tuple(name for name, _ in _by_count(tally.ordinary_texts)),
            tally.telling_texts,
            tally.telling_mentions,
        ),
        texts_by_mentions=tuple(tally.texts_by_mentions),
        bare_mentions=_bare(graph, tally.entities),
        silence="" if tally.linked_texts else diagnose_no_links(texts, graph),
    )


def _by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _bare(graph: KnowledgeGraph, entities: Counter[str]) -> int:
    """Return how many mentions are of entities without edge and definition."""
    degree = np.bincount(np.concatenate([graph.heads, graph.tails]), minlength=len(graph))
    found = ((graph.entity_ids.find(entity), count) for entity, count in entities.items())
    return sum(
        count
        for index, count in found
        if index is not None and not degree[index] and not graph.definitions[index]
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
