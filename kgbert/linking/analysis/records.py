"""Describe the mentions that a linker found, for people and for programs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.analysis.evidence import match_evidence
from kgbert.linking.mention import Linker, Mention


@dataclass(frozen=True)
class LinkedEntity:
    """A candidate with its preferred name and the name that matched the text."""

    entity: str
    name: str
    score: float
    matched: str
    """The name that matched; empty if the linker does not report it."""
    how: str
    """The matching rules, or "exact match"."""


@dataclass(frozen=True)
class LinkedMention:
    """A mention with its surface form and its candidates, best first."""

    start: int
    end: int
    text: str
    candidates: tuple[LinkedEntity, ...]


@dataclass(frozen=True)
class LinkedText:
    """A text with its mentions."""

    id: str
    text: str
    mentions: tuple[LinkedMention, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON; ``chosen`` is the entity of the best candidate."""
        record = asdict(self)
        for mention in record["mentions"]:
            candidates = mention["candidates"]
            mention["chosen"] = candidates[0]["entity"] if candidates else None
        return record


def describe_links(
    texts: Iterable[tuple[str, str]],
    linked: Iterable[Sequence[Mention]],
    linker: Linker,
    graph: KnowledgeGraph,
) -> Iterator[LinkedText]:
    """Yield the linked mentions of each text.

    Args:
        texts: Pairs of an id and a text.
        linked: The mentions that the linker returned for the texts.
        linker: Provides the names and rules that matched each candidate.
        graph: Provides the entities' preferred names.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> from kgbert.linking.dictionary.linker import DictionaryLinker
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> builder.add_name("HP:1", "High temperature", "exact")
    >>> graph = builder.build()
    >>> linker, text = DictionaryLinker(graph), "high temperatures"
    >>> [found] = describe_links([("a", text)], linker([text]), linker, graph)
    >>> found.mentions[0].candidates[0]
    LinkedEntity(entity='HP:1', name='Fever', score=0.931, matched='High temperature', how='plural')
    """
    for (id, text), mentions in zip(texts, linked, strict=True):
        found = [
            LinkedMention(
                mention.start,
                mention.end,
                text[mention.start : mention.end],
                tuple(_candidates(text, mention, linker, graph)),
            )
            for mention in mentions
        ]
        yield LinkedText(id, text, tuple(found))


def _candidates(
    text: str, mention: Mention, linker: Linker, graph: KnowledgeGraph
) -> Iterator[LinkedEntity]:
    evidence = match_evidence(linker, text, mention)
    for (entity, score), found in zip(mention.candidates, evidence, strict=True):
        yield LinkedEntity(entity, graph.name(graph.index(entity)), score, found.name, found.how)
