"""Slices of a test set on which the arms are compared separately."""

from collections import Counter
from collections.abc import Iterator, Sequence

from kgbert.comparison.study import Study
from kgbert.data.splits import Split
from kgbert.graph.core.branches import branches_above
from kgbert.linking.examples import link_examples
from kgbert.linking.mention import Mention
from kgbert.tasks.base import EncodedExample, Slice

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
