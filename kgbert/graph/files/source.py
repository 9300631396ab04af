"""A file to be read: its name for messages, its bytes, its lines, all within limits."""

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from kgbert.graph.core.options import Limits
from kgbert.utils.errors import GraphError

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CHUNK = 1 << 17
#: Growth below this many bytes is never suspicious: small texts may repeat themselves a lot.
_FREE_GROWTH = 16 << 20
_DAMAGED = (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True)
class Source:
    """A local file, compressed or not, or a member of a zip archive; nothing else is opened."""

    path: Path
    member: str = ""
    limits: Limits = field(default_factory=Limits)

    @property
    def name(self) -> str:
        """The path as messages show it."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def suffix(self) -> str:
        """The suffix of what is in the file: ``.csv`` for both a.csv and a.csv.gz."""
        suffixes = PurePosixPath(self.member or self.path.name).suffixes
        if suffixes and suffixes[-1].lower() in _SUFFIXES:
            suffixes.pop()
        return suffixes[-1].lower() if suffixes else ""

    def members(self) -> list["Source"]:
        """Return the files of a zip archive, or the file itself."""
        if self.member or not zipfile.is_zipfile(self.path):
            return [self]
        with zipfile.ZipFile(self.path) as archive:
            names = sorted(entry.filename for entry in archive.infolist() if not entry.is_dir())
        # Members are streamed, never extracted, so that their names can lead nowhere.
        return [Source(self.path, name, self.limits) for name in names if not _is_hidden(name)]

    def open(self) -> io.BufferedReader:
        """Open the content for reading bytes, decompressed, up to the limits."""
        with self.path.open("rb") as stream:
            magic = stream.read(6)
        if self.member:
            # The stream keeps the archive open as long as it is open itself.
            return _bounded(self._open_member(), self)
        self._refuse_packed(magic)
        for start, opener in _COMPRESSIONS.items():
            if magic.startswith(start):
                return _bounded(opener(self.path), self)
        return _bounded(self.path.open("rb"), self)

    def _open_member(self) -> io.BufferedIOBase:
        try:
            return cast(io.BufferedIOBase, zipfile.ZipFile(self.path).open(self.member))
        except (RuntimeError, *_DAMAGED) as error:  # of encryption, or a method that is unknown
            raise GraphError(
                f"{self.name}: cannot be decompressed ({error}). Unpack the archive yourself, and "
                f"name the file: unzip {self.path.name}"
            ) from None

    def _refuse_packed(self, magic: bytes) -> None:
        for start, command in _PACKED.items():
            if magic.startswith(start):
                raise GraphError(
                    f"{self.name}: packed in a way that is not read, or damaged. gz, bz2, xz and "
                    f"zip are read as they are; unpack others first: {command} {self.path.name}"
                )

    def stream(self) -> io.BufferedIOBase:
        """Open the content for reading UTF-8 bytes, without a byte order mark."""
        stream = self.open()
        start = stream.peek(4)[:4]
        if not any(start.startswith(mark) for mark in _BYTE_ORDER_MARKS):
            return stream
        stream.close()
        return io.BytesIO(self.content())

    def head(self, size: int = 1 << 16) -> str:
        """Return the beginning as text, for a look at it."""
        with self.open() as stream:
            start = stream.read(size)
        encoding = next((e for mark, e in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), "")
        return start.decode(encoding or "utf-8", errors="replace").removeprefix("\ufeff")

    def content(self) -> bytes:
        """Return the whole content as UTF-8 bytes, without a byte order mark."""
        chunks, size = [], 0
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > self.limits.whole:
                    raise GraphError(
                        f"{self.name}: more than {self.limits.whole:,} bytes of a format that has "
                        f"to be held in memory. Convert it to N-Triples, which is streamed, or "
                        f"raise the limit: ReadOptions(limits=Limits(whole={size * 4}))."
                    )
        return self._as_utf8(b"".join(chunks))

    def lines(self) -> Iterator[str]:
        """Yield the lines of a text, each with its end."""
        for block in self.blocks():
            lines = block.split("\n")
            last = lines.pop()
            yield from [line + "\n" for line in lines]
            if last:
                yield last

    def blocks(self) -> Iterator[str]:
        """Yield a text in pieces of many whole lines."""
        number, rest = 1, b""
        with self.stream() as stream:
            while chunk := stream.read(_CHUNK):
                whole, end, rest = (rest + chunk).rpartition(b"\n")
                if end:
                    yield self._decoded(whole + end, number)
                    number += whole.count(b"\n") + 1
                self._refuse_long(rest, number)
            if rest:
                yield self._decoded(rest, number)

    def _decoded(self, block: bytes, number: int) -> str:
        """Return a block of lines as text; its first line has the number."""
        if len(block) > self.limits.line:
            for place, line in enumerate(block.split(b"\n"), start=number):
                self._refuse_long(line, place)
        try:
            return block.decode()
        except UnicodeDecodeError:
            for place, line in enumerate(block.split(b"\n"), start=number):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    raise self._not_utf8(error, f"line {place}") from None
            raise

    def _refuse_long(self, line: bytes, number: int) -> None:
        if len(line) > self.limits.line:
            raise GraphError(
                f"{self.name}, line {number}: longer than {self.limits.line:,} bytes, as no name "
                f"or definition is. Mend the file, or raise the limit: "
                f"ReadOptions(limits=Limits(line={self.limits.line * 4}))."
            )

    def _as_utf8(self, content: bytes) -> bytes:
        for mark, encoding in _BYTE_ORDER_MARKS.items():
            if content.startswith(mark):
                if encoding == "utf-8":
                    return content[len(mark) :]
                try:
                    return content.decode(encoding).encode()
                except UnicodeDecodeError as error:
                    raise self._not_utf8(error, encoding) from None
        return content

    def not_utf8(self, error: UnicodeDecodeError) -> GraphError:
        """Return the error that names the line in the whole content that is no text."""
        line = self.content().count(b"\n", 0, error.start) + 1
        return self._not_utf8(error, f"line {line}")

    def _not_utf8(self, error: UnicodeDecodeError, place: str) -> GraphError:
        return GraphError(
            f"{self.name}, {place}: not UTF-8 text ({error.reason} at byte {error.start}). Convert "
            f"the file first, for example: iconv -f latin1 -t utf-8 {self.path.name} > "
            f"converted{self.suffix}"
        )


def _is_hidden(name: str) -> bool:
    """Whether a member of an archive is none of its files, but a system's note on one."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith(".")


def _bounded(inner: io.BufferedIOBase, source: Source) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(inner, source), _CHUNK)


class _Bounded(io.RawIOBase):
    """A stream that refuses to grow beyond the limits of its source."""

    def __init__(self, inner: io.BufferedIOBase, source: Source) -> None:
        self.inner, self.source, self.size = inner, source, 0
        growth = source.path.stat().st_size * source.limits.ratio
        self.most = min(source.limits.bytes, max(growth, _FREE_GROWTH))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer, in short
        try:
            read = self.inner.readinto(buffer)
        except _DAMAGED as error:
            raise GraphError(
                f"{self.source.name}: cannot be decompressed ({error}). The file is damaged or "
                f"was not downloaded whole; fetch it again."
            ) from None
        self.size += read
        if self.size > self.most:
            raise GraphError(
                f"{self.source.name}: more than {self.most:,} bytes, once it is decompressed. "
                f"If you trust it, raise the limits, or decompress it yourself: "
                f"ReadOptions(limits=Limits(bytes={self.most * 16}, ratio=10_000))."
            )
        return read

    def close(self) -> None:
        self.inner.close()
        super().close()


#: Magic bytes of the compressions -> a function that opens a path decompressed.
_COMPRESSIONS: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
#: Magic bytes of what has to be unpacked -> what does that. A whole zip archive never gets here.
_PACKED = {
    b"PK\x03\x04": "unzip",
    b"\x28\xb5\x2f\xfd": "zstd -d",
    b"7z\xbc\xaf\x27\x1c": "7z x",
    b"Rar!": "unrar x",
    b"]\x00\x00": "unlzma",
    b"\x04\x22\x4d\x18": "lz4 -d",
    b"\x1f\x9d": "uncompress",
}
