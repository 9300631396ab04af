"""Decide which ids of several graphs are one entity, given pairs that are said to be the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

Pair = tuple[str, str]
#: The graph that an id is at home in, as its position in the order of authority.
Homes = Mapping[str, int]


def join(pairs: Iterable[Pair], homes: Homes) -> tuple[dict[str, str], list[Pair]]:
    """Return the id that each joined id gives way to, and the pairs that were not followed.

    No two ids of one home become one: of the pairs that would make them so, directly or through
    other ids, none is followed. Pairs within one home are its own business.

    >>> join([("A:1", "B:1"), ("A:2", "B:2"), ("A:3", "B:2")],
    ...      {"A:1": 0, "A:2": 0, "A:3": 0, "B:1": 1, "B:2": 1})
    ({'B:1': 'A:1'}, [('A:2', 'B:2'), ('A:3', 'B:2')])
    """
    between = sorted({pair for pair in pairs if homes[pair[0]] != homes[pair[1]]})
    partners: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for first, second in between:
        partners[first, homes[second]].add(second)
        partners[second, homes[first]].add(first)
    clear: list[Pair] = []
    conflicts: list[Pair] = []
    for first, second in between:
        rivals = len(partners[first, homes[second]]) + len(partners[second, homes[first]]) - 2
        (conflicts if rivals else clear).append((first, second))
    joined: dict[str, str] = {}
    for group in _groups(clear):
        if len({homes[identifier] for identifier in group}) < len(group):
            conflicts.extend(pair for pair in clear if pair[0] in group)
            continue
        first, *others = sorted(group, key=lambda identifier: homes[identifier])
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
