"""How much of a user's texts the names of a graph reach, and what looks wrong about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kgbert.graph.graph import KnowledgeGraph
from kgbert.linking.folding import fold_cluster
from kgbert.linking.mention import Linker, Mention
from kgbert.linking.silence import why_nothing_is_linked
from kgbert.linking.words import words_of

#: A surface in more than this share of the texts says nothing about any of them.
TOO_FREQUENT = 0.2

#: How many texts it takes before a share of them means anything, and how many go to the linker
#: at once.
FEWEST_TEXTS = 20
BATCH = 1024

#: How many lines each list of the report has.
LISTED = 10


@dataclass(frozen=True)
class Reached:
    """An entity and how many mentions have it as their best candidate."""

    entity: str
    name: str
    mentions: int


@dataclass(frozen=True)
class Surface:
    """Something the texts say, in folded case, and what it was linked to."""

    text: str
    mentions: int
    texts: int
    candidates: int


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
    top_entities: tuple[Reached, ...]
    top_surfaces: tuple[Surface, ...]
    ambiguous: tuple[Surface, ...]
    """Surfaces with several candidates, the most frequent first."""
    too_frequent: tuple[Surface, ...]
    """Surfaces in more than TOO_FREQUENT of the texts: candidates for ``stop_names``."""
    silence: str
    """Why nothing at all was linked and what to do; empty where something was."""

    @property
    def text_share(self) -> float:
        """The share of texts with a mention."""
        return self.linked_texts / self.texts if self.texts else 0.0

    @property
    def word_share(self) -> float:
        """The share of words inside a mention."""
        return self.linked_words / self.words if self.words else 0.0

    @property
    def mentions_per_text(self) -> float:
        """Mentions in a text on average."""
        return self.mentions / self.texts if self.texts else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, the shares included."""
        shares = ("text_share", "word_share", "mentions_per_text")
        return asdict(self) | {share: round(getattr(self, share), 4) for share in shares}

    def __str__(self) -> str:
        lines = [
            f"{self.linked_texts:,} of {self.texts:,} texts ({self.text_share:.1%}) and "
            f"{self.linked_words:,} of {self.words:,} words ({self.word_share:.1%}) have a "
            f"mention: {self.mentions:,} mentions ({self.mentions_per_text:.2f} a text) of "
            f"{self.entities:,} entities"
        ]
        if self.silence:
            lines.append(f"nothing was linked: {self.silence}")
        lines += _listing(
            "most mentioned",
            [f"{it.mentions:,} × {it.name} ({it.entity})" for it in self.top_entities],
        )
        lines += _listing(
            "most ambiguous",
            [f"{it.text}: {it.candidates} candidates, {it.mentions:,} ×" for it in self.ambiguous],
        )
        if self.too_frequent:
            names = ", ".join(repr(it.text) for it in self.too_frequent)
            lines += _listing(
                "in so many texts that they tell them little apart",
                [
                    f"{it.text}: {it.texts / self.texts:.0%} of the texts"
                    for it in self.too_frequent
                ],
            )
            lines.append(
                f"  if they are not meant, leave them out: "
                f"DictionaryLinker(graph, stop_names={{*STOP_NAMES, {names}}})"
            )
        return "\n".join(lines)


def coverage(texts: Iterable[str], linker: Linker, graph: KnowledgeGraph) -> Coverage:
    """Return how much of the texts a linker links to a graph.

    >>> from kgbert.graph.builder import GraphBuilder
    >>> from kgbert.linking.dictionary import DictionaryLinker
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> graph = builder.build()
    >>> found = coverage(["No fever.", "Nothing"], DictionaryLinker(graph), graph)
    >>> found.text_share, found.words, found.linked_words
    (0.5, 3, 1)
    """
    texts = list(texts)
    tally = _Tally()
    for first in range(0, len(texts), BATCH):
        batch = texts[first : first + BATCH]
        for text, mentions in zip(batch, linker(batch), strict=True):
            tally.add(text, mentions)
    surfaces = [
        Surface(text, mentions, tally.surface_texts[text], tally.candidates[text])
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
            Reached(entity, graph.name(graph.index(entity)) if entity in graph else "", mentions)
            for entity, mentions in _by_count(tally.entities)[:LISTED]
        ),
        top_surfaces=tuple(surfaces[:LISTED]),
        ambiguous=tuple([surface for surface in surfaces if surface.candidates > 1][:LISTED]),
        too_frequent=tuple(
            surface
            for surface in surfaces
            if len(texts) >= FEWEST_TEXTS and surface.texts > TOO_FREQUENT * len(texts)
        ),
        silence="" if tally.linked_texts else why_nothing_is_linked(texts, graph),
    )


class _Tally:
    """The counts of a coverage while texts come in."""

    def __init__(self) -> None:
        self.linked_texts = self.words = self.linked_words = 0
        self.entities: Counter[str] = Counter()
        self.surfaces: Counter[str] = Counter()
        self.surface_texts: Counter[str] = Counter()
        self.candidates: dict[str, int] = {}

    def add(self, text: str, mentions: Sequence[Mention]) -> None:
        self.words += _word_count(text)
        self.linked_texts += bool(mentions)
        self.linked_words += sum(_word_count(text[start:end]) for start, end in _union(mentions))
        here = set()
        for mention in mentions:
            surface = fold_cluster(" ".join(text[mention.start : mention.end].split()))
            here.add(surface)
            self.surfaces[surface] += 1
            self.candidates[surface] = max(len(mention.candidates), self.candidates.get(surface, 0))
            if mention.candidates:
                self.entities[mention.candidates[0].entity] += 1
        self.surface_texts.update(here)


def _word_count(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in words_of(fold_cluster(text)))


def _union(mentions: Sequence[Mention]) -> Iterable[tuple[int, int]]:
    """Yield the spans that mentions cover, overlapping ones as one."""
    reached = 0
    for mention in sorted(mentions):
        if mention.end > reached:
            yield max(mention.start, reached), mention.end
            reached = mention.end


def _by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _listing(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []
