"""Detect names that are codes, which identify entities but do not occur in texts."""

import re
from collections.abc import Collection

#: Share of codes from which a graph counts as unnamed; some gene symbols look like codes.
NEARLY_ALL = 0.95

_CODE = re.compile(r"[^\W\d_]{0,12}[ _:.-]?\d[\dA-Z._:/-]*")


def is_code(name: str) -> bool:
    """Whether a name consists of letters followed by digits, or of digits.

    >>> [is_code(name) for name in ("D000602", "HP:0000118", "E11.9", "GO 0008150", "38341003")]
    [True, True, True, True, True]
    >>> [is_code(name) for name in ("fever", "type 2 diabetes", "EGFR", "5-HT receptor")]
    [False, False, False, False]
    """
    return _CODE.fullmatch(name) is not None


def are_codes(names: Collection[str]) -> bool:
    """Whether nearly all names are codes."""
    return bool(names) and sum(map(is_code, names)) >= NEARLY_ALL * len(names)
