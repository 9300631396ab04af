"""What gold mentions teach a dictionary: names that the graph lacks, and names that mislead."""

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
    """Return the graph with what gold spans say as further names of their entities.

    Give training texts, never those that you test on. Short forms that a text defines itself are
    left out, for they mean something else in the next. What people mean by a name overrules the
    graph, as in :func:`with_added_names`.

    >>> from kgbert.data import Span
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Cough")
    >>> graph = builder.build()
    >>> example = Example("barking fits", spans=(Span(0, 12, "", "HP:1"),))
    >>> list(with_gold_names(graph, [example]).names)
    ['Cough', 'barking fits']
    """
    return with_added_names(graph, (told for example in examples for told in _gold(example)))


def with_added_names(graph: KnowledgeGraph, told: Iterable[tuple[str, str]]) -> KnowledgeGraph:
    """Return the graph with names that people give its entities, which overrule its own.

    They are preferred names. Where the graph prefers the same name for an entity of which it is
    not told, it is that one's exact name from now on, and ranks behind.

    Args:
        graph: What is there.
        told: Pairs of an entity id and a name; entities that the graph lacks are passed over.

    >>> builder = GraphBuilder()
    >>> builder.add_name("CHEBI:1", "Alcohols")
    >>> builder.add_name("MESH:1", "alcohol")
    >>> graph = with_added_names(builder.build(), [("CHEBI:1", "Alcohol")])
    >>> [name.scope for index in range(2) for name in graph.names_of(index)]
    ['preferred', 'preferred', 'exact']
    """
    builder = GraphBuilder()
    for entity, said in told:
        if entity in graph:
            builder.add_name(entity, said, "preferred")
    taught = builder.build(source="gold mentions")
    if not len(taught):
        return graph
    return _overruled(merge_graphs({"graph": graph, "gold": taught}), taught)


def unreliable_names(
    linker: Linker, examples: Sequence[Example], *, least: int = 2, share: float = 0.4
) -> set[str]:
    """Return what a linker finds in texts and people seldom marked: stop names for it.

    Args:
        linker: Finds the mentions.
        examples: Training texts in which every mention is marked.
        least: How often the linker must have found a name for it to be judged.
        share: A name misleads if fewer of its findings are gold spans.
    """
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    linked = linker([example.text for example in examples])
    for example, mentions in zip(examples, linked, strict=True):
        gold = {(span.start, span.end) for span in example.spans}
        for start, end, *_ in mentions:
            said = fold_cluster(example.text[start:end])
            found[said] += 1
            right[said] += (start, end) in gold
    return {said for said, count in found.items() if count >= least and right[said] < share * count}


def _overruled(graph: KnowledgeGraph, taught: KnowledgeGraph) -> KnowledgeGraph:
    """Return a graph that prefers names for the entities of which they were told."""
    meant: dict[str, set[str]] = {}
    for owner, said in zip(taught.name_entities.tolist(), taught.names, strict=True):
        meant.setdefault(fold_cluster(said), set()).add(taught.entity_ids[owner])
    preferred, exact = SCOPES.index("preferred"), SCOPES.index("exact")
    scopes = graph.name_scopes.copy()
    for position, name in enumerate(graph.names):
        if entities := meant.get(fold_cluster(name)):
            told = graph.entity_ids[int(graph.name_entities[position])] in entities
            scopes[position] = preferred if told else max(exact, int(scopes[position]))
    # Stable: what was an entity's best name stays so.
    order = np.lexsort((scopes, graph.name_entities))
    return replace(
        graph,
        names=StringColumn.from_strings(map(graph.names.__getitem__, order.tolist())),
        name_scopes=scopes[order],
        name_languages=graph.name_languages[order],
    )


def _gold(example: Example) -> Iterator[tuple[str, str]]:
    """Yield entity and surface of the gold spans that mean the same in every text."""
    short = {definition.short for definition in find_definitions(example.text)}
    for span in example.spans:
        said = example.text[span.start : span.end]
        if span.entity and not {said, said.removesuffix("s")} & short:
            yield span.entity, said
