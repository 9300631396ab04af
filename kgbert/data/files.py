"""Find, decompress and decode text files."""

import codecs
import gzip
import zlib
from pathlib import Path

from kgbert.utils.errors import DataError, MissingFileError
from kgbert.utils.paths import similar_file

#: Maximum decompressed size in bytes, because texts are kept in memory.
MAX_BYTES = 1 << 30

#: Encodings by byte order mark; UTF-32 comes first, because its mark begins with that of UTF-16.
_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def check_file(path: Path) -> None:
    """Raise an error with the likely path if a path is not a file."""
    if not path.exists():
        raise MissingFileError(_missing(path), code="missing-file")
    if path.is_dir():
        raise DataError(
            f"this is a folder; name one of its files, for example {path / 'train.csv'}",
            code="folder-instead-of-file",
        )


def read_content(path: Path) -> str:
    """Return the text of a file in UTF-8, or in the encoding of its byte order mark.

    Raises:
        DataError: The file cannot be decompressed or decoded, is too large, or is not text.
    """
    check_file(path)
    return decode(_unpacked(path))


def decode(content: bytes) -> str:
    """Return bytes as text.

    >>> decode("High fever".encode("utf-16"))
    'High fever'
    """
    marks = (name for mark, name in _ENCODINGS.items() if content.startswith(mark))
    encoding = next(marks, "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"line {line:,}: byte 0x{content[error.start]:02x} is not {encoding.upper()}; save the "
            "file as UTF-8 text (from a spreadsheet: export as CSV UTF-8)",
            code="wrong-encoding",
        ) from error
    if "\0" in text:
        raise DataError(
            f"line {text.count(chr(10), 0, text.index(chr(0))) + 1:,} has a NUL character, so this "
            "is a binary file, or UTF-16 without a byte order mark; save the file as UTF-8 text",
            code="binary-file",
        )
    if not text.strip():
        raise DataError(
            "the file is empty; put one text a line, below a header in CSV", code="empty-file"
        )
    return text


def _unpacked(path: Path) -> bytes:
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"cannot be unpacked ({error}); pack it again with gzip", code="damaged-archive"
        ) from error
    if len(content) > MAX_BYTES:
        raise DataError(
            f"more than {MAX_BYTES:,} bytes of text; split it into smaller files",
            code="file-too-large",
        )
    return content


def _missing(path: Path) -> str:
    if not path.parent.is_dir():
        return f"no such file, and no folder {path.parent}; check the path"
    similar = similar_file(path)
    return f"no such file; {f'did you mean {similar}?' if similar else 'check the name'}"
