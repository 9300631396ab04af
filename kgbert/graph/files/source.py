"""Local files: their name in messages, their bytes and lines, read within limits."""

import bz2
import codecs
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import cast

from kgbert.graph.core.options import Limits
from kgbert.utils.errors import GraphError, Remedy

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
#: What zipfile raises besides where an archive's directory is damaged or from the future.
_DAMAGED_ARCHIVE = (
    *_DAMAGED,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    struct.error,
)


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

    def is_named(self, paths: Iterable[Path]) -> bool:
        """Whether this is one of the paths that a user named, not a file in one of them."""
        return not self.member and any(self.path == path for path in paths)

    @property
    def suffix(self) -> str:
        """The suffix of what is in the file: ``.csv`` for both a.csv and a.csv.gz."""
        suffixes = PurePosixPath(self.member or self.path.name).suffixes
        if suffixes and suffixes[-1].lower() in _SUFFIXES:
            suffixes.pop()
        return suffixes[-1].lower() if suffixes else ""

    def members(self) -> list["Source"]:
        """Return the files of a zip archive, or the file itself.

        Raises:
            GraphError: The archive is damaged, or grows beyond its limits when it is unpacked.
        """
        if self.member or not zipfile.is_zipfile(self.path):
            return [self]
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        except _DAMAGED_ARCHIVE as error:
            raise GraphError(
                f"{self.name}: a zip archive that cannot be opened ({error}). The file is damaged "
                f"or was not downloaded whole; fetch it again.",
                code="damaged-archive",
            ) from None
        entries = [entry for entry in entries if not _is_hidden(entry.filename)]
        # The growth of all members counts, as many small ones may share their compressed bytes.
        # What an entry declares is its largest size: zipfile reads no further.
        size = sum(entry.file_size for entry in entries)
        if size > (most := _most_growth(self)):
            raise _grown_too_much(self, most)
        # Members are streamed, never extracted, so that their names can lead nowhere.
        names = sorted(entry.filename for entry in entries)
        return [Source(self.path, name, self.limits) for name in names]

    def open(self) -> io.BufferedReader:
        """Open the content for reading bytes, decompressed, up to the limits."""
        if self.member:
            # The stream keeps the archive open as long as it is open itself.
            return _limited(self._open_member(), self)
        with self.path.open("rb") as stream:
            magic = stream.read(6)
        self._refuse_packed(magic)
        for start, opener in _COMPRESSIONS.items():
            if magic.startswith(start):
                return _limited(opener(self.path), self)
        return _limited(self.path.open("rb"), self)

    def _open_member(self) -> io.BufferedIOBase:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                magic = stream.read(6)
            if not magic.startswith((*_COMPRESSIONS, *_PACKED)):
                return cast(io.BufferedIOBase, zipfile.ZipFile(self.path).open(self.member))
        except _DAMAGED_ARCHIVE as error:  # also encryption, or a method that is unknown
            raise GraphError(
                f"{self.name}: cannot be decompressed ({error}). Unpack the archive yourself and "
                f"name the file: unzip {self.path.name}",
                code="damaged-archive",
            ) from None
        raise GraphError(
            f"{self.name}: a compressed file within an archive, which is not read. Unpack the "
            f"archive and name the file: unzip {self.path.name}",
            code="nested-archive",
        )

    def _refuse_packed(self, magic: bytes) -> None:
        for start, command in _PACKED.items():
            if magic.startswith(start):
                raise GraphError(
                    f"{self.name}: packed in an unsupported way, or damaged. gz, bz2, xz and zip "
                    f"are read as they are; unpack others first: {command} {self.path.name}",
                    code="unsupported-archive",
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
                if size > self.limits.in_memory:
                    raise GraphError(
                        f"{self.name}: more than {self.limits.in_memory:,} bytes of a format that "
                        f"has to be held in memory. N-Triples is streamed; convert the file to it.",
                        code="file-too-large",
                        remedies=[Remedy("in_memory", size * 4, "if it fits", "Limits")],
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
                f"{self.name}, line {number}: longer than {self.limits.line:,} bytes, more than "
                f"any name or definition. Correct the file.",
                code="line-too-long",
                remedies=[Remedy("line", self.limits.line * 4, "if you trust the file", "Limits")],
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

    def decoded(self, content: bytes) -> str:
        """Return the whole content as text.

        Raises:
            GraphError: It is not UTF-8.
        """
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise self.not_utf8(error) from None

    def not_utf8(self, error: UnicodeDecodeError) -> GraphError:
        """Return the error that names the line in the whole content that is no text."""
        line = self.content().count(b"\n", 0, error.start) + 1
        return self._not_utf8(error, f"line {line}")

    def _not_utf8(self, error: UnicodeDecodeError, place: str) -> GraphError:
        return GraphError(
            f"{self.name}, {place}: not UTF-8 text ({error.reason} at byte {error.start}). Convert "
            f"the file first, for example: iconv -f latin1 -t utf-8 {self.path.name} > "
            f"converted{self.suffix}",
            code="not-utf8",
        )


def _is_hidden(name: str) -> bool:
    """Return whether a member of an archive is a system's note on one of its files."""
    parts = PurePosixPath(name).parts
    return not parts or "__MACOSX" in parts or parts[-1].startswith(".")


def _most_growth(source: Source) -> int:
    """Return the most bytes that a compressed file may have once it is decompressed."""
    return max(source.path.stat().st_size * source.limits.ratio, _FREE_GROWTH)


def _grown_too_much(source: Source, most: int) -> GraphError:
    return GraphError(
        f"{source.name}: more than {most:,} bytes, once it is decompressed. Decompress it "
        f"yourself if you trust it.",
        code="expands-too-much",
        remedies=[
            Remedy("bytes", most * 16, "if it is that large", "Limits"),
            Remedy("ratio", 10_000, "if it compresses that well", "Limits"),
        ],
    )


def _limited(inner: io.BufferedIOBase, source: Source) -> io.BufferedReader:
    return io.BufferedReader(_LimitedStream(inner, source), _CHUNK)


class _LimitedStream(io.RawIOBase):
    """A stream that refuses to grow beyond the limits of its source."""

    def __init__(self, inner: io.BufferedIOBase, source: Source) -> None:
        self.inner, self.source, self.size = inner, source, 0
        self.most = min(source.limits.bytes, _most_growth(source))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer, in short
        try:
            read = self.inner.readinto(buffer)
        except _DAMAGED as error:
            raise GraphError(
                f"{self.source.name}: cannot be decompressed ({error}). The file is damaged or "
                f"was not downloaded whole; fetch it again.",
                code="damaged-archive",
            ) from None
        self.size += read
        if self.size > self.most:
            raise _grown_too_much(self.source, self.most)
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
