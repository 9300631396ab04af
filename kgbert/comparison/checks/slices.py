"""Parts of a test set on which the arms are compared apart."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kgbert.comparison.study import Study
from kgbert.data import Span
from kgbert.data.splits import Split
from kgbert.data.tags import decode_tags
from kgbert.encoding.encoded import EncodedText
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors, is_hierarchical
from kgbert.linking.mention import Mention
from kgbert.tasks.base import Answer
from kgbert.tasks.tagging import words_of

#: A branch with more than this share of all entities is divided into those right below it.
LARGEST_SHARE = 0.5

#: The entities right below one.
Children = Callable[[int], NDArray[np.int32]]


def branches_above(graph: KnowledgeGraph, entity_ids: Iterable[str]) -> set[str]:
    """Return the names of the main branches that some entities belong to.

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
    """Return the entities that head the main branches: the roots, or what is right below them.

    A root that covers most of the graph says nothing, and gives way to its children.
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


#: Branches and classes named beyond these would be a list that nobody reads.
MOST_BRANCHES, MOST_CLASSES = 8, 20


@dataclass(frozen=True)
class Part:
    """Some test texts, and what of their answers counts there."""

    name: str
    positions: Sequence[int]
    size: int
    """Number of texts in which something counts."""
    view: Callable[[int, Answer], Answer] = lambda position, answer: answer
    """Called with a text's position and an answer to it."""


#: Says of a span (first word, end, label) in the text at a position whether it counts.
Counts = Callable[[int, tuple[int, int, str]], bool]


def parts_of(study: Study, split: Split, encoded: Sequence[EncodedText]) -> list[Part]:
    """Return the parts that have a text: by mentions, by name, by branch of the graph, by class.

    Args:
        study: Says how entities are found, and in which graph.
        split: Texts of a seed; its test texts are divided.
        encoded: The test texts as a model read them.
    """
    mentions = study.linker([example.text for example in split.test])
    parts = _by_mentions(study, split, mentions)
    if any(example.spans for example in split.train):
        parts += [*_by_name(split, encoded), *_by_branch(study, mentions), *_by_span_class(split)]
    else:
        parts += [*_by_branch(study, mentions), *_by_class(split)]
    return [part for part in parts if part.size]


def _by_mentions(study: Study, split: Split, mentions: Sequence[Sequence[Mention]]) -> list[Part]:
    known = {
        candidate.entity
        for found in study.linker([example.text for example in split.train])
        for mention in found
        for candidate in mention.candidates
    }
    best = [_best(found) for found in mentions]
    linked = [i for i, entities in enumerate(best) if entities]
    several = [any(len(mention.candidates) > 1 for mention in found) for found in mentions]
    return [
        _texts("linked", linked),
        _texts("unlinked", [i for i, entities in enumerate(best) if not entities]),
        _texts("mentions seen in training", [i for i in linked if best[i] <= known]),
        _texts("mentions unseen in training", [i for i in linked if not best[i] <= known]),
        _texts("ambiguous mentions", [i for i in linked if several[i]]),
    ]


def _by_branch(study: Study, mentions: Sequence[Sequence[Mention]]) -> Iterator[Part]:
    branches = [branches_above(study.graph, _best(found)) for found in mentions]
    counts = Counter(name for names in branches for name in sorted(names))
    for name, _ in counts.most_common(MOST_BRANCHES):
        yield _texts(f"branch: {name}", [i for i, names in enumerate(branches) if name in names])


def _by_class(split: Split) -> Iterator[Part]:
    counts = Counter(example.label for example in split.test)
    for label, _ in counts.most_common(MOST_CLASSES):
        texts = [i for i, example in enumerate(split.test) if example.label == label]
        yield _texts(f"class: {label}", texts)


def _by_span_class(split: Split) -> Iterator[Part]:
    counts = Counter(label for x in split.test for label in {span.label for span in x.spans})
    for label, size in counts.most_common(MOST_CLASSES) if len(counts) > 1 else ():
        yield Part(f"class: {label}", range(len(split.test)), size, _spans_of_class(label))


def _by_name(split: Split, encoded: Sequence[EncodedText]) -> Iterator[Part]:
    """Divide the spans, found or expected, by whether their words were one in training."""
    known = {_bare(example.text, span) for example in split.train for span in example.spans}
    words = [words_of(text) for text in encoded]

    def is_known(position: int, span: tuple[int, int, str]) -> bool:
        # Spans that were cut off, or share all their words with another, have no words for their
        # tags, and count as new.
        inside = words[position][span[0] : span[1]]
        text = encoded[position].text
        return bool(inside) and text[inside[0].start : inside[-1].end].casefold() in known

    def is_new(position: int, span: tuple[int, int, str]) -> bool:
        return not is_known(position, span)

    every = range(len(split.test))
    names = [{_bare(x.text, span) for span in x.spans} for x in split.test]
    seen = sum(bool(some & known) for some in names)
    unseen = sum(bool(some - known) for some in names)
    yield Part("names seen in training", every, seen, _only(is_known))
    yield Part("names unseen in training", every, unseen, _only(is_new))


def _spans_of_class(label: str) -> Callable[[int, Answer], Answer]:
    return _only(lambda position, span: span[2] == label)


def _only(counts: Counts) -> Callable[[int, Answer], Answer]:
    """Return a view in which no span is left but those that count."""

    def view(position: int, answer: Answer) -> Answer:
        left = ["O"] * len(answer)
        for first, end, label in decode_tags(answer):
            if counts(position, (first, end, label)):
                left[first:end] = [f"B-{label}", *[f"I-{label}"] * (end - first - 1)]
        return left

    return view


def _texts(name: str, positions: Sequence[int]) -> Part:
    return Part(name, positions, len(positions))


def _best(mentions: Sequence[Mention]) -> set[str]:
    return {mention.candidates[0].entity for mention in mentions if mention.candidates}


def _bare(text: str, span: Span) -> str:
    return text[span.start : span.end].casefold()
