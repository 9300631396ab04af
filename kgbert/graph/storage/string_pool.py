"""Interned strings of a graph: ids, names and the targets of references."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import compress, count
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key", bound=Hashable)
#: One number for each term.
IndexArray = NDArray[np.int32]


class IndexPool(defaultdict[Key, int]):
    """Keys with consecutive numbers in the order of their first lookup."""

    def __init__(self) -> None:
        super().__init__(count().__next__)


class StringPool(IndexPool[str]):
    """Strings with consecutive numbers in the order of their first lookup.

    >>> terms = StringPool()
    >>> terms["fever"], terms["heart"], terms["fever"]
    (0, 1, 0)
    >>> terms.places(["heart"]).tolist(), terms.remapped({"heart": "fever"}).tolist()
    ([-1, 0], [-1, 0])
    """

    def numbers(self, strings: Collection[str]) -> IndexArray:
        """Return the numbers of some strings."""
        return np.fromiter(map(self.__getitem__, strings), np.int32, len(strings))

    def places(self, strings: Sequence[str]) -> IndexArray:
        """Return the position of each term in a list of terms; -1 if it is missing."""
        numbers = self.numbers(strings)
        places = np.full(len(self), -1, np.int32)
        places[numbers] = np.arange(len(strings), dtype=np.int32)
        return places

    def sorted_strings(self, marks: NDArray[np.bool_]) -> tuple[list[str], IndexArray]:
        """Return the sorted marked terms, and the position of each term among them, or -1."""
        strings = self.selected(marks)
        order = sorted(range(len(strings)), key=strings.__getitem__)
        places = np.full(len(self), -1, np.int32)
        places[np.flatnonzero(marks)[order]] = np.arange(len(order), dtype=np.int32)
        return [strings[place] for place in order], places

    def remapped(self, written: Mapping[str, str]) -> IndexArray:
        """Return the number of the replacement of each term; -1 if it has none."""
        old, new = self.numbers(written.keys()), self.numbers(written.values())
        numbers = np.full(len(self), -1, np.int32)
        numbers[old] = new
        return numbers

    def mask_of(self, strings: Collection[str]) -> NDArray[np.bool_]:
        """Return for each term whether it is one of some strings."""
        numbers = self.numbers(strings)
        marks = np.zeros(len(self), np.bool_)
        marks[numbers] = True
        return marks

    def selected(self, marks: NDArray[np.bool_]) -> list[str]:
        """Return the terms that are marked, in their order."""
        return list(compress(self, marks.tolist()))
