"""Checks of values that several functions take."""

from operator import index
from typing import SupportsIndex

from kgbert.utils.errors import KGBertError


def check_positive(**numbers: SupportsIndex) -> None:
    """Raise an error if a whole number is not above zero.

    >>> check_positive(batch_size=0)
    Traceback (most recent call last):
    kgbert.utils.errors.KGBertError: batch_size is 0, but must be a whole number above zero
    """
    for name, number in numbers.items():
        if not isinstance(number, SupportsIndex) or index(number) < 1:
            raise KGBertError(
                f"{name} is {number!r}, but must be a whole number above zero", code="not-positive"
            )
