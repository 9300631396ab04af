"""The counts of a coverage, while texts come in."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.folding import fold_cluster
from kgbert.linking.mention import Mention
from kgbert.linking.stopping import COMMON_NAMES
from kgbert.linking.words import words_of

#: Numbers of mentions in a text that are counted apart; the last stands for more, too.
MANY_MENTIONS = 6

#: Letters that a surface and the name behind it share at least, as "shares" and "share" do.
_STEM = 3


class Tally:
    """Counts texts, words, mentions, what they say and what they were linked to.

    Args:
        graph: The graph.
        ordinary: Names of it that are ordinary words.
    """

    def __init__(self, graph: KnowledgeGraph, ordinary: Mapping[str, float]) -> None:
        self.linked_texts = self.words = self.linked_words = 0
        self.telling_texts = self.telling_mentions = 0
        self.texts_by_mentions = [0] * (MANY_MENTIONS + 1)
        self.entities: Counter[str] = Counter()
        self.surfaces: Counter[str] = Counter()
        self.surface_texts: Counter[str] = Counter()
        self.candidates: dict[str, int] = {}
        self.ordinary_mentions: Counter[str] = Counter()
        self.ordinary_texts: Counter[str] = Counter()
        self._graph, self._ordinary = graph, COMMON_NAMES | ordinary.keys()

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
    return sum(any(map(str.isalnum, word)) for word in words_of(fold_cluster(text)))


def _union(mentions: Sequence[Mention]) -> Iterable[tuple[int, int]]:
    """Yield the spans that mentions cover, overlapping ones as one."""
    reached = 0
    for mention in sorted(mentions):
        if mention.end > reached:
            yield max(mention.start, reached), mention.end
            reached = mention.end
