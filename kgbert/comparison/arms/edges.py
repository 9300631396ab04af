"""Arms that change the edges of the graph; the entity features stay unchanged."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kgbert.comparison.arms.arm import RunInputs
from kgbert.comparison.arms.labels import without_descendants
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.utils.errors import KGBertError


def remove_edges(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs without edges, and the labels, if they are grounded, described without."""
    graph = inputs.graph
    none = np.zeros(0, np.int32)
    return replace(
        without_descendants(inputs),
        graph=replace(graph, heads=none, relations=none, tails=none, origins=None),
    )


def rewire_edges(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with the tails permuted among the edges of each relation.

    Every entity keeps its in-degree and out-degree in each relation (the configuration model,
    applied to each relation).
    """
    graph, generator = inputs.graph, np.random.default_rng([seed, 0xED6E5])
    tails = graph.tails.copy()
    for relation in range(len(graph.relation_ids)):
        (edges,) = np.nonzero(graph.relations == relation)
        tails[edges] = tails[generator.permutation(edges)]
    return replace(inputs, graph=with_edges(graph, graph.relations, tails))


def shuffle_relations(inputs: RunInputs, seed: int) -> RunInputs:
    """Return the inputs with the relations permuted among all edges; frequencies stay the same.

    Raises:
        KGBertError: The graph has fewer than two relations, so a permutation changes nothing.
    """
    graph = inputs.graph
    if len(graph.relation_ids) < 2:
        raise KGBertError(
            f"the arm 'shuffled-relations' needs a graph with at least two relations; "
            f"{graph.source or 'this graph'} has {len(graph.relation_ids)} "
            f"({', '.join(graph.relation_names) or 'no edges'}), so that it would be the arm "
            "'knowledge' once more. Leave the arm out.",
            code="arm-needs-other-graph",
        )
    order = np.random.default_rng([seed, 0x2E1A7]).permutation(len(graph.relations))
    return replace(inputs, graph=with_edges(graph, graph.relations[order], graph.tails))


def with_edges(
    graph: KnowledgeGraph, relations: NDArray[np.int32], tails: NDArray[np.int32]
) -> KnowledgeGraph:
    """Return the graph with other relations and tails, in a graph's canonical order."""
    order = np.lexsort((tails, relations, graph.heads))
    return replace(graph, relations=relations[order], tails=tails[order], origins=None)
