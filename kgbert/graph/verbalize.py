"""Verbalize the neighbourhood of an entity as the input of a text encoder."""

from collections.abc import Iterator
from itertools import islice

from kgbert.graph.core.graph import HIERARCHICAL, KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors


def verbalize(
    graph: KnowledgeGraph,
    index: int,
    *,
    synonyms: int = 2,
    ancestry: int = 12,
    facts: int = 6,
    definition: int = 400,
) -> str:
    """Return an entity's neighbourhood as text: names, what it is, relations, definition.

    The most important parts come first, because an encoder truncates long texts.

    Args:
        graph: The graph.
        index: Entity index.
        synonyms: Maximum number of names after the preferred one.
        ancestry: Maximum number of ancestors, the nearest first.
        facts: Maximum number of edges of other relations.
        definition: Maximum number of characters of the definition.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for entity, name in (("1", "Gout"), ("2", "Arthritis"), ("3", "Joint")):
    ...     builder.add_name(entity, name)
    >>> builder.add_name("1", "Podagra", "exact")
    >>> builder.add_edge("1", "rdfs:subClassOf", "2")
    >>> builder.add_edge("1", "affects", "3")
    >>> verbalize(builder.build(), 0)
    'Gout, Podagra is Arthritis; affects Joint'
    """
    named = ", ".join(islice((name.text for name in graph.names_of(index)), synonyms + 1))
    parts = [named or graph.name(index)]
    above = [graph.name(parent) for parent in islice(ancestors(graph, index), ancestry)]
    if above:
        parts[0] += " is " + ", ".join(above)
    parts.extend(islice(_facts(graph, index), facts))
    if text := graph.definitions[index][:definition]:
        parts.append(text)
    return "; ".join(parts)


def _facts(graph: KnowledgeGraph, index: int) -> Iterator[str]:
    for edge in range(*graph.edge_offsets[index : index + 2].tolist()):
        relation = int(graph.relations[edge])
        if graph.relation_ids[relation] not in HIERARCHICAL:
            yield f"{graph.relation_names[relation]} {graph.name(int(graph.tails[edge]))}"
