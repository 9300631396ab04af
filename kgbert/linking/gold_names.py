"""Adapt a dictionary to gold mentions: add their surface forms, find unreliable names."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from kgbert.data import Example
from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.graph.merge import merge_graphs
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.linking.dictionary.abbreviations import find_definitions
from kgbert.linking.mention import Linker
from kgbert.linking.normalization.casefold import fold_cluster


def with_gold_names(graph: KnowledgeGraph, examples: Iterable[Example]) -> KnowledgeGraph:
    """Return the graph with the surface forms of gold spans as additional names of their entities.

    Use training texts only, never test texts. Abbreviations that a text defines itself are
    excluded, because another text can define them differently. Added names take precedence over
    the graph's own, as in :func:`with_added_names`.

    >>> from kgbert.data import Span
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Cough")
    >>> graph = builder.build()
    >>> example = Example("barking fits", spans=(Span(0, 12, "", "HP:1"),))
    >>> list(with_gold_names(graph, [example]).names)
    ['Cough', 'barking fits']
    """
    return with_added_names(graph, (name for example in examples for name in _gold_names(example)))


def with_added_names(graph: KnowledgeGraph, names: Iterable[tuple[str, str]]) -> KnowledgeGraph:
    """Return the graph with additional names, which take precedence over the graph's own.

    The added names have the scope "preferred". If another entity of the graph has the same
    preferred name, that name gets the scope "exact" and ranks lower.

    Args:
        graph: The graph to extend.
        names: Pairs of an entity id and a name; ids that are not in the graph are ignored.

    >>> builder = GraphBuilder()
    >>> builder.add_name("CHEBI:1", "Alcohols")
    >>> builder.add_name("MESH:1", "alcohol")
    >>> graph = with_added_names(builder.build(), [("CHEBI:1", "Alcohol")])
    >>> [name.scope for index in range(2) for name in graph.names_of(index)]
    ['preferred', 'preferred', 'exact']
    """
    builder = GraphBuilder()
    for entity, name in names:
        if entity in graph:
            builder.add_name(entity, name, "preferred")
    added = builder.build(source="gold mentions")
    if not len(added):
        return graph
    return _with_precedence(merge_graphs({"graph": graph, "gold": added}), added)


def unreliable_names(
    linker: Linker, examples: Sequence[Example], *, least: int = 2, share: float = 0.4
) -> set[str]:
    """Return the surface forms that a linker finds but that are seldom gold spans.

    Use them as stop names of the linker.

    Args:
        linker: Finds the mentions.
        examples: Training texts in which every mention is annotated.
        least: Minimum number of mentions before a name is judged.
        share: A name is unreliable if the share of its mentions that are gold spans is lower.
    """
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    linked = linker([example.text for example in examples])
    for example, mentions in zip(examples, linked, strict=True):
        gold = {(span.start, span.end) for span in example.spans}
        for start, end, *_ in mentions:
            surface = fold_cluster(example.text[start:end])
            found[surface] += 1
            correct[surface] += (start, end) in gold
    return {
        surface
        for surface, count in found.items()
        if count >= least and correct[surface] < share * count
    }


def _with_precedence(graph: KnowledgeGraph, added: KnowledgeGraph) -> KnowledgeGraph:
    """Return a graph in which an added name is preferred only for the entities it was added to."""
    owners: dict[str, set[str]] = {}
    for owner, name in zip(added.name_entities.tolist(), added.names, strict=True):
        owners.setdefault(fold_cluster(name), set()).add(added.entity_ids[owner])
    preferred, exact = SCOPES.index("preferred"), SCOPES.index("exact")
    scopes = graph.name_scopes.copy()
    for position, name in enumerate(graph.names):
        if entities := owners.get(fold_cluster(name)):
            is_added = graph.entity_ids[int(graph.name_entities[position])] in entities
            scopes[position] = preferred if is_added else max(exact, int(scopes[position]))
    # lexsort is stable, so an entity's best name stays the best.
    order = np.lexsort((scopes, graph.name_entities))
    return replace(
        graph,
        names=StringColumn.from_strings(map(graph.names.__getitem__, order.tolist())),
        name_scopes=scopes[order],
        name_languages=graph.name_languages[order],
    )


def _gold_names(example: Example) -> Iterator[tuple[str, str]]:
    """Yield entity and surface form of the gold spans that are not locally defined."""
    short = {definition.short for definition in find_definitions(example.text)}
    for span in example.spans:
        surface = example.text[span.start : span.end]
        if span.entity and not {surface, surface.removesuffix("s")} & short:
            yield span.entity, surface
