"""A file to be read: its name for messages, its bytes, its lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kgbert.graph.graph import GraphError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Source:
    """A local file; nothing else is ever opened."""

    path: Path

    @property
    def name(self) -> str:
        """The path as messages show it."""
        return str(self.path)

    def open(self) -> BinaryIO:
        """Open the file for reading bytes."""
        return self.path.open("rb")

    def head(self, size: int = 1 << 16) -> bytes:
        """Return the first bytes, without a byte order mark."""
        with self.open() as stream:
            return stream.read(size).removeprefix(_BYTE_ORDER_MARK)

    def content(self) -> bytes:
        """Return all bytes, without a byte order mark."""
        with self.open() as stream:
            return stream.read().removeprefix(_BYTE_ORDER_MARK)

    def lines(self) -> Iterator[str]:
        """Yield the lines of a UTF-8 text, each with its end."""
        with self.open() as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    text = line.decode()
                except UnicodeDecodeError as error:
                    raise GraphError(
                        f"{self.name}, line {number}: not UTF-8 text ({error.reason} at byte "
                        f"{error.start} of the line). Convert the file first, for example: "
                        f"iconv -f latin1 -t utf-8 {self.path.name} > converted{self.path.suffix}"
                    ) from None
                yield text.removeprefix("\ufeff") if number == 1 else text
