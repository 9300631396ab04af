"""Summarize an entity and its neighbourhood for people."""

from dataclasses import dataclass

import numpy as np

from kgbert.graph.core.graph import HIERARCHICAL, KnowledgeGraph

#: Maximum numbers of names, neighbours per relation, and relations.
_NAMES, _NEIGHBOURS, _RELATIONS = 6, 5, 6


@dataclass(frozen=True)
class EntitySummary:
    """An entity with its names, definition and neighbours, shortened for display."""

    entity: str
    name: str
    other_names: tuple[str, ...]
    definition: str
    around: tuple[tuple[str, tuple[str, ...]], ...]
    """Pairs of relation name and names of neighbours."""


def summarize_entity(graph: KnowledgeGraph, index: int) -> EntitySummary:
    """Return the summary of an entity.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for name in ("gout", "arthritis", "toe"):
    ...     builder.add_name(name, name)
    >>> builder.add_edge("gout", "rdfs:subClassOf", "arthritis")
    >>> builder.add_edge("gout", "affects", "toe")
    >>> graph = builder.build()
    >>> summarize_entity(graph, graph.index("gout")).around
    (('affects', ('toe',)), ('rdfs:subClassOf', ('arthritis',)))
    >>> summarize_entity(graph, graph.index("arthritis")).around
    (('below it', ('gout',)),)
    """
    around: dict[str, dict[str, None]] = {}
    for edge in range(*graph.edge_offsets[index : index + 2].tolist()):
        relation = graph.relation_names[int(graph.relations[edge])]
        around.setdefault(relation, {})[graph.name(int(graph.tails[edge]))] = None
    for edge in np.flatnonzero(graph.tails == index).tolist():
        if graph.relation_ids[int(graph.relations[edge])] in HIERARCHICAL:
            around.setdefault("below it", {})[graph.name(int(graph.heads[edge]))] = None
    names = dict.fromkeys(name.text for name in graph.names_of(index))
    return EntitySummary(
        graph.entity_ids[index],
        graph.name(index),
        tuple(list(names)[1 : _NAMES + 1]),
        graph.definitions[index],
        tuple(
            (relation, _shortened(list(ends)))
            for relation, ends in list(around.items())[:_RELATIONS]
        ),
    )


def _shortened(names: list[str]) -> tuple[str, ...]:
    more = len(names) - _NEIGHBOURS
    return (*names[:_NEIGHBOURS], f"{more:,} more") if more > 1 else tuple(names)
