"""Decide which ids of several graphs are one entity, given pairs that are said to be the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

Pair = tuple[str, str]
Owners = Mapping[str, tuple[int, ...]]
"""Positions of the graphs that know an id, in the order of their authority."""


def join(pairs: Iterable[Pair], owners: Owners) -> tuple[dict[str, str], list[Pair]]:
    """Return the id that each joined id gives way to, and the pairs that were not followed.

    No two entities of one graph become one: of the pairs that would make them so, directly or
    through other graphs, none is followed. Pairs within one graph are its own business.

    >>> join([("A:1", "B:1"), ("A:2", "B:2"), ("A:3", "B:2")],
    ...      {"A:1": (0,), "A:2": (0,), "A:3": (0,), "B:1": (1,), "B:2": (1,)})
    ({'B:1': 'A:1'}, [('A:2', 'B:2'), ('A:3', 'B:2')])
    """
    between = sorted({pair for pair in pairs if not set(owners[pair[0]]) & set(owners[pair[1]])})
    partners: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for first, second in between:
        for one, other in ((first, second), (second, first)):
            for graph in owners[other]:
                partners[one, graph].add(other)
    clear: list[Pair] = []
    conflicts: list[Pair] = []
    for first, second in between:
        rivals = [partners[first, graph] for graph in owners[second]]
        rivals += [partners[second, graph] for graph in owners[first]]
        (clear if all(len(found) == 1 for found in rivals) else conflicts).append((first, second))
    joined: dict[str, str] = {}
    for group in _groups(clear):
        known_by = [graph for identifier in group for graph in owners[identifier]]
        if len(known_by) > len(set(known_by)):
            conflicts.extend(pair for pair in clear if pair[0] in group)
            continue
        first, *others = sorted(group, key=lambda identifier: (owners[identifier][0], identifier))
        joined.update(dict.fromkeys(others, first))
    return joined, conflicts


def _groups(pairs: Iterable[Pair]) -> list[set[str]]:
    """Return the sets of ids that pairs connect."""
    group_of: dict[str, set[str]] = {}
    for first, second in pairs:
        small, large = sorted(
            (group_of.get(first, {first}), group_of.get(second, {second})), key=len
        )
        if small is not large:
            large |= small
        group_of.update(dict.fromkeys(large, large))
    return list({id(group): group for group in group_of.values()}.values())
