"""Resolve a name against one of the tables that hold kgbert's choices."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``, or explain which names exist.

    >>> lookup({"rgcn": 1, "gat": 2}, "rgcm", "graph encoder")
    Traceback (most recent call last):
    ValueError: unknown graph encoder 'rgcm'; did you mean 'rgcn'? Known: gat, rgcn.
    """
    if name in table:
        return table[name]
    close = get_close_matches(name, table, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(sorted(table))}.")
