"""Names that are codes: they tell entities apart, and no text says them."""

import re
from collections.abc import Collection

#: From this share of codes on a graph has no names to speak of; a few symbols of genes are names.
NEARLY_ALL = 0.95

_CODE = re.compile(r"[^\W\d_]{0,12}[ _:.-]?\d[\dA-Z._:/-]*")


def is_code(name: str) -> bool:
    """Whether a name is letters followed by digits, or digits.

    >>> [is_code(name) for name in ("D000602", "HP:0000118", "E11.9", "GO 0008150", "38341003")]
    [True, True, True, True, True]
    >>> [is_code(name) for name in ("fever", "type 2 diabetes", "EGFR", "5-HT receptor")]
    [False, False, False, False]
    """
    return _CODE.fullmatch(name) is not None


def are_codes(names: Collection[str]) -> bool:
    """Whether nearly all of some names are codes."""
    return bool(names) and sum(map(is_code, names)) >= NEARLY_ALL * len(names)
