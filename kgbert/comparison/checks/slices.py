"""Slices of a test set on which the arms are compared separately."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kgbert.comparison.study import Study
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors, is_hierarchical
from kgbert.linking.examples import link_examples
from kgbert.linking.mention import Mention
from kgbert.tasks.base import EncodedExample, Slice

#: A branch with more than this share of all entities is replaced by its children.
LARGEST_SHARE = 0.5

#: Returns the children of an entity.
Children = Callable[[int], NDArray[np.int32]]


def branches_above(graph: KnowledgeGraph, entity_ids: Iterable[str]) -> set[str]:
    """Return the names of the main branches that contain some of the entities.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for child, parent in (("organ", "all"), ("cell", "all"), ("lung", "organ")):
    ...     builder.add_name(child, child)
    ...     builder.add_name(parent, parent)
    ...     builder.add_edge(child, "rdfs:subClassOf", parent)
    >>> branches_above(builder.build(), ["lung"])
    {'organ'}
    """
    tops = branch_tops(graph)
    found = (graph.entity_ids.find(entity) for entity in entity_ids)
    places = {place for place in found if place is not None}
    above = {top for place in places for top in (place, *ancestors(graph, place)) if top in tops}
    return {graph.name(top) for top in above}


@lru_cache(maxsize=4)
def branch_tops(graph: KnowledgeGraph) -> frozenset[int]:
    """Return the top entities of the main branches: the roots, or their children.

    A root that covers most of the graph separates nothing, so its children replace it.
    """
    climbs = is_hierarchical(graph)
    heads, tails = graph.heads[climbs], graph.tails[climbs]
    order = np.argsort(tails, kind="stable")
    below, starts = heads[order], np.searchsorted(tails[order], np.arange(len(graph) + 1))

    def children(entity: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = below[starts[entity] : starts[entity + 1]]
        return found

    divided: set[int] = set()
    tops = set(tails.tolist()) - set(heads.tolist())
    while large := [top for top in tops if _share(top, children, len(graph)) > LARGEST_SHARE]:
        divided.update(large)
        tops = (tops | {child for top in large for child in children(top).tolist()}) - divided
    return frozenset(tops)


def _share(top: int, children: Children, size: int) -> float:
    found, queue = {top}, [top]
    while queue:
        fresh = set(children(queue.pop()).tolist()) - found
        found |= fresh
        queue.extend(fresh)
    return len(found) / size


#: Maximum number of branches in a report, so that its table stays readable.
MOST_BRANCHES = 8


def slices_of(study: Study, split: Split, encoded: Sequence[EncodedExample]) -> list[Slice]:
    """Return the non-empty slices: by mentions, by branch of the graph, and those of the task.

    Args:
        study: The study, with linker and graph.
        split: The split of a seed; its test texts are sliced.
        encoded: The encoded test texts.
    """
    mentions = link_examples(study.linker, split.test)
    slices = [
        *_by_mentions(study, split, mentions),
        *_by_branch(study, mentions),
        *study.task.slices(split.train, encoded),
    ]
    return [each for each in slices if each.size]


def _by_mentions(study: Study, split: Split, mentions: Sequence[Sequence[Mention]]) -> list[Slice]:
    known = {
        candidate.entity
        for found in link_examples(study.linker, split.train)
        for mention in found
        for candidate in mention.candidates
    }
    best = [_top_entities(found) for found in mentions]
    linked = [i for i, entities in enumerate(best) if entities]
    several = [any(len(mention.candidates) > 1 for mention in found) for found in mentions]
    return [
        _texts("linked", linked),
        _texts("unlinked", [i for i, entities in enumerate(best) if not entities]),
        _texts("mentions seen in training", [i for i in linked if best[i] <= known]),
        _texts("mentions unseen in training", [i for i in linked if not best[i] <= known]),
        _texts("ambiguous mentions", [i for i in linked if several[i]]),
    ]


def _by_branch(study: Study, mentions: Sequence[Sequence[Mention]]) -> Iterator[Slice]:
    branches = [branches_above(study.graph, _top_entities(found)) for found in mentions]
    counts = Counter(name for names in branches for name in sorted(names))
    for name, _ in counts.most_common(MOST_BRANCHES):
        yield _texts(f"branch: {name}", [i for i, names in enumerate(branches) if name in names])


def _texts(name: str, positions: Sequence[int]) -> Slice:
    return Slice(name, positions, len(positions))


def _top_entities(mentions: Sequence[Mention]) -> set[str]:
    return {mention.candidates[0].entity for mention in mentions if mention.candidates}
