"""The texts that a graph has for an entity: names, definition, and names along its edges."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import is_hierarchical

#: Maximum number of texts of an entity.
MAX_TEXTS = 64


def readable(label: str) -> str:
    """Return a label as words.

    >>> readable("lung_disease"), readable("LungDisease"), readable("ICD-10")
    ('lung disease', 'Lung Disease', 'ICD-10')
    """
    words = label.replace("_", " ")
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words).split())


class EntityTexts:
    """Returns the texts of entities of a graph; their children are indexed once.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for identifier, name in (("1", "Arthritis"), ("2", "Gout"), ("3", "Tophaceous gout")):
    ...     builder.add_name(identifier, name)
    >>> builder.add_name("1", "Joint inflammation", "exact")
    >>> builder.add_edge("2", "rdfs:subClassOf", "1")
    >>> builder.add_edge("3", "rdfs:subClassOf", "2")
    >>> for kind, text in EntityTexts(builder.build()).of_entity(0):
    ...     print(kind, "|", text)
    name | Arthritis
    synonym | Joint inflammation
    child | Gout
    descendant | Tophaceous gout
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        climbs = is_hierarchical(graph) & (graph.heads != graph.tails)
        order = np.argsort(graph.tails[climbs], kind="stable")
        self._children = graph.heads[climbs][order]
        self._starts = np.searchsorted(
            graph.tails[climbs][order], np.arange(len(graph) + 1), side="left"
        )

    def of_entity(
        self, index: int, kinds: Sequence[str] | None = None, *, most: int = MAX_TEXTS
    ) -> list[tuple[str, str]]:
        """Return (kind, text) of an entity, each text once.

        Args:
            index: Entity index.
            kinds: A subset of KINDS; None means all.
            most: Maximum number of texts.
        """
        named = (
            (text, kind)
            for kind in KINDS
            if kinds is None or kind in kinds
            for text in SOURCES[kind](self, index)
            if text.strip()
        )
        found: dict[str, str] = {}
        for text, kind in named:
            found.setdefault(text, kind)
            if len(found) == most:
                break
        return [(kind, text) for text, kind in found.items()]

    def children(self, index: int) -> list[int]:
        """Return the direct children of an entity."""
        below = self._children[self._starts[index] : self._starts[index + 1]]
        return list(dict.fromkeys(below.tolist()))

    def name(self, index: int) -> Iterator[str]:
        """Yield the preferred name."""
        yield self.graph.name(index)

    def synonyms(self, index: int) -> Iterator[str]:
        """Yield all names except the preferred one."""
        yield from islice((name.text for name in self.graph.names_of(index)), 1, None)

    def definition(self, index: int) -> Iterator[str]:
        """Yield the definition, if the entity has one."""
        if text := self.graph.definitions[index]:
            yield text

    def child_names(self, index: int) -> Iterator[str]:
        """Yield the preferred names of the children."""
        yield from map(self.graph.name, self.children(index))

    def descendant_names(self, index: int) -> Iterator[str]:
        """Yield the preferred names of the other descendants, level by level."""
        seen, level = {index}, self.children(index)
        while level:
            seen.update(level)
            below = dict.fromkeys(x for parent in level for x in self.children(parent))
            level = [x for x in below if x not in seen]
            yield from map(self.graph.name, level)


#: The sources of the texts of an entity. To add one, write a method and add a line.
SOURCES: dict[str, Callable[[EntityTexts, int], Iterator[str]]] = {
    "name": EntityTexts.name,
    "synonym": EntityTexts.synonyms,
    "definition": EntityTexts.definition,
    "child": EntityTexts.child_names,
    "descendant": EntityTexts.descendant_names,
}

#: Names of the sources in the order in which they are read; models store their positions.
KINDS = tuple(SOURCES)
