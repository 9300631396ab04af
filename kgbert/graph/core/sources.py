"""Switch the sources of a merged graph on and off."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.provenance import Origins, References
from kgbert.utils.errors import GraphError, Remedy


def sources_of(graph: KnowledgeGraph) -> tuple[str, ...]:
    """Return the names of the sources of a merged graph.

    Raises:
        GraphError: The graph was not merged from several.
    """
    if graph.origins is None or len(graph.origins.sources) < 2:
        raise GraphError(
            f"{graph.source or 'the graph'} has one source, so that none can be switched off. "
            "Merge it with another graph.",
            code="one-source",
            remedies=[Remedy("merge", purpose="with a further graph")],
        )
    return graph.origins.sources


def select_sources(graph: KnowledgeGraph, sources: Collection[str]) -> KnowledgeGraph:
    """Return a merged graph with only the entities and edges of some of its sources.

    Names and definitions that another source gave to an entity of these sources stay, because a
    merged graph does not record where they come from.

    Args:
        graph: A graph of :func:`kgbert.merge_graphs`.
        sources: Names of the sources to keep.

    Raises:
        GraphError: The graph was not merged, or has no such source.

    >>> from kgbert.graph.merge import merge_graphs
    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> one, two = GraphBuilder(), GraphBuilder()
    >>> one.add_name("A:1", "fever")
    >>> two.add_name("B:1", "cough")
    >>> merged = merge_graphs({"one": one.build(), "two": two.build()})
    >>> list(select_sources(merged, ["two"]).names)
    ['cough']
    """
    known = sources_of(graph)
    unknown = [name for name in sources if name not in known]
    if unknown or not sources:
        raise GraphError(
            f"the sources {', '.join(map(repr, unknown)) or '(none)'} cannot be selected; the "
            f"graph has {', '.join(map(repr, known))}. Name some of these.",
            code="unknown-graph-source",
        )
    assert graph.origins is not None
    kept = [tuple(x for x in each if x in sources) for each in graph.origins.combinations]
    selected = np.array([bool(each) for each in kept])
    entities = selected[graph.origins.entities]
    edges = selected[graph.origins.edges] & entities[graph.heads] & entities[graph.tails]
    return _subset(graph, entities, edges, kept, [name for name in known if name in sources])


def _subset(
    graph: KnowledgeGraph,
    entities: NDArray[np.bool_],
    edges: NDArray[np.bool_],
    combinations: list[tuple[str, ...]],
    sources: list[str],
) -> KnowledgeGraph:
    """Return the selected entities and edges, in the same order.

    Args:
        graph: The graph.
        entities: Whether each entity is kept.
        edges: Whether each edge is kept.
        combinations: The combinations of sources without those that are left out.
        sources: The sources that are kept.
    """
    assert graph.origins is not None
    index = np.cumsum(entities, dtype=np.int32) - 1
    names = entities[graph.name_entities]
    used, relations = np.unique(graph.relations[edges], return_inverse=True)
    ids = [each for each, keep in zip(graph.entity_ids, entities, strict=True) if keep]
    owned, places = frozenset(ids), index.tolist()
    return replace(
        graph,
        entity_ids=StringColumn.from_strings(ids),
        definitions=_selected(graph.definitions, entities),
        names=_selected(graph.names, names),
        name_entities=index[graph.name_entities[names]],
        name_scopes=graph.name_scopes[names],
        name_languages=graph.name_languages[names],
        heads=index[graph.heads[edges]],
        relations=relations.astype(np.int32),
        tails=index[graph.tails[edges]],
        relation_ids=tuple(graph.relation_ids[x] for x in used.tolist()),
        relation_names=tuple(graph.relation_names[x] for x in used.tolist()),
        source=", ".join(sources),
        replaced={old: new for old, new in graph.replaced.items() if new in owned},
        references=References.of(
            (places[head], relation, tail)
            for head, relation, tail in graph.references
            if entities[head]
        ),
        origins=Origins.of(
            [combinations[x] for x in graph.origins.entities[entities].tolist()],
            [combinations[x] for x in graph.origins.edges[edges].tolist()],
        ),
    )


def _selected(column: StringColumn, kept: NDArray[np.bool_]) -> StringColumn:
    pairs = zip(column, kept.tolist(), strict=True)
    return StringColumn.from_strings(text for text, keep in pairs if keep)
