"""What a linker found in texts, told so that a person or a program can follow it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.analysis.evidence import match_evidence
from kgbert.linking.mention import Linker, Mention


@dataclass(frozen=True)
class LinkedEntity:
    """A candidate with its name in the graph and the name that the text was seen to say."""

    entity: str
    name: str
    score: float
    matched: str
    """The name that was matched; empty where the linker does not tell."""
    how: str
    """The rules that it took, or "exact match"."""


@dataclass(frozen=True)
class LinkedMention:
    """A mention, what it says, and what it may mean, best first."""

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
        """Return all of it for JSON; ``chosen`` is the best candidate's entity."""
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
    """Yield what the linker found in each text.

    Args:
        texts: The id and the text of each.
        linked: What the linker returned for them.
        linker: Asked for the names and rules behind each candidate.
        graph: Gives the entities' names.

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
    behind = match_evidence(linker, text, mention)
    for (entity, score), found in zip(mention.candidates, behind, strict=True):
        yield LinkedEntity(entity, graph.name(graph.index(entity)), score, found.name, found.how)
