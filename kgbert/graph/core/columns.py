"""A column of strings that can be memory-mapped."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from kgbert.utils.errors import GraphError


@dataclass(frozen=True, eq=False)
class StringColumn:
    """Strings as one blob of UTF-8 bytes and the start offset of each string.

    A string takes its bytes and eight more, and a file of strings can be memory-mapped.

    >>> column = StringColumn.from_strings(["fever", "", "Fièvre"])
    >>> len(column), column[2], list(column), column[:2]
    (3, 'Fièvre', ['fever', '', 'Fièvre'], ['fever', ''])
    """

    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> "StringColumn":
        """Return the strings as a column.

        Raises:
            GraphError: A string has a lone surrogate, which UTF-8 cannot encode.
        """
        written = list(strings)
        joined = "".join(written)
        offsets = np.zeros(len(written) + 1, np.int64)
        sizes = np.fromiter(map(len, written), np.int64, len(written))
        try:
            if not joined.isascii():
                is_ascii = np.fromiter(map(str.isascii, written), np.bool_, len(written))
                for position in np.flatnonzero(~is_ascii).tolist():
                    sizes[position] = len(written[position].encode())
        except UnicodeEncodeError as error:
            raise GraphError(
                f"the text {error.object[:60]!r} contains half a character (a lone surrogate) and "
                f"cannot be written as UTF-8. Correct it in the source.",
                code="lone-surrogate",
            ) from None
        np.cumsum(sizes, out=offsets[1:])
        return cls(np.frombuffer(joined.encode(), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._bytes(each).decode() for each in range(*index.indices(len(self)))]
        if index < 0 or index >= len(self):
            raise IndexError(f"no string {index} in a column of {len(self)}")
        return self._bytes(index).decode()

    def __iter__(self) -> Iterator[str]:
        blob = bytes(self.blob)
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield blob[start:end].decode()

    def find(self, string: str) -> int | None:
        """Return the index of a string in a column sorted by code point, or None.

        >>> column = StringColumn.from_strings(["a", "b", "d"])
        >>> column.find("d"), column.find("c")
        (2, None)
        """
        # The byte order of UTF-8 is that of code points, so no string has to be decoded.
        wanted = string.encode(errors="surrogatepass")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._bytes(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._bytes(low) == wanted else None

    def _bytes(self, index: int) -> bytes:
        # Slicing with Python integers is several times faster than with NumPy scalars.
        return self.blob[self.offsets.item(index) : self.offsets.item(index + 1)].tobytes()
