"""What gold mentions teach a dictionary: names that the graph lacks, and names that mislead."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kgbert.graph.builder import GraphBuilder
from kgbert.graph.graph import KnowledgeGraph
from kgbert.graph.merge import merge_graphs
from kgbert.linking.abbreviations import definitions
from kgbert.linking.folding import fold_cluster
from kgbert.linking.mention import Linker
from kgbert.texts import Example


def with_gold_names(graph: KnowledgeGraph, examples: Iterable[Example]) -> KnowledgeGraph:
    """Return the graph with what gold spans say as further names of their entities.

    Give training texts, never those that you test on. Short forms that a text defines itself are
    left out, for they mean something else in the next.

    >>> from kgbert.texts import Span
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Cough")
    >>> graph = builder.build()
    >>> example = Example("barking fits", spans=(Span(0, 12, "", "HP:1"),))
    >>> list(with_gold_names(graph, [example]).names)
    ['Cough', 'barking fits']
    """
    builder = GraphBuilder()
    for example in examples:
        for entity, said in _gold(example):
            if entity in graph:
                builder.add_name(entity, said, "exact")
    taught = builder.build(source="gold mentions")
    return merge_graphs({"graph": graph, "gold": taught}) if len(taught) else graph


def misleading_names(
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
        for start, end, _ in mentions:
            said = fold_cluster(example.text[start:end])
            found[said] += 1
            right[said] += (start, end) in gold
    return {said for said, count in found.items() if count >= least and right[said] < share * count}


def _gold(example: Example) -> Iterator[tuple[str, str]]:
    """Yield entity and surface of the gold spans that mean the same in every text."""
    short = {definition.short for definition in definitions(example.text)}
    for span in example.spans:
        said = example.text[span.start : span.end]
        if span.entity and not {said, said.removesuffix("s")} & short:
            yield span.entity, said
