"""Read a corpus as a stream of texts that may be larger than memory."""

import codecs
import gzip
import hashlib
import heapq
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Source
from kgbert.data.columns import TEXT, Columns, located
from kgbert.data.fields import text_field
from kgbert.data.files import check_file, read_content
from kgbert.data.readers.json_objects import parse_line
from kgbert.data.readers.registry import READERS, read_file
from kgbert.data.sources import describe, records_of
from kgbert.data.texts_read import text_digest
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import DataError

#: Longer texts are split at a space, which bounds the memory for tokenization and linking.
MAX_CHARACTERS = 20_000

#: Maximum number of held-out texts.
MAX_HELD_OUT = 1_000

#: Maximum number of digests that are kept to find test texts in a corpus.
MAX_DIGESTS = 1_000_000

#: Suffixes of plain text in a folder; a single file may have any suffix.
_PLAIN_TEXT = (".txt", ".text", ".md")

#: Suffixes of files with one object per line, which are streamed.
_JSON_LINES = (".jsonl", ".ndjson")

#: Number of bytes that are checked before a file is read line by line.
_HEAD = 1 << 13


class CorpusText(NamedTuple):
    """One text of a corpus: a line of a text file, or a field of a record."""

    text: str
    starts_document: bool
    """Whether it starts a document; otherwise it continues that of the text before."""


@dataclass(frozen=True)
class Corpus:
    """Files or rows that are read anew in each iteration."""

    sources: tuple[Source, ...]
    columns: Columns
    skipped: Mapping[str, int]
    """Number of files in folders that were skipped, by suffix."""
    excluded: frozenset[int] = frozenset()
    """Digests of the texts that are left out."""

    def __iter__(self) -> Iterator[CorpusText]:
        """Yield the texts in order; blank ones are skipped and long ones are split."""
        for text, starts_document in self._whole_texts():
            if not self._excludes(text):
                for number, part in enumerate(_parts(text)):
                    yield CorpusText(part, starts_document and number == 0)

    def count_excluded(self) -> int:
        """Return the number of texts that are left out."""
        return sum(self._excludes(text) for text, _ in self._whole_texts()) if self.excluded else 0

    def _whole_texts(self) -> Iterator[CorpusText]:
        for source in self.sources:
            with located(describe(source)):
                yield from _texts_of(source, self.columns)

    def _excludes(self, text: str) -> bool:
        return bool(self.excluded) and text_digest(text) in self.excluded

    @property
    def name(self) -> str:
        """File names without folders, or the type of the rows."""
        names = [Path(x).name if isinstance(x, str | Path) else describe(x) for x in self.sources]
        rest = f" and {counted(len(names) - 3, 'other file')}" if len(names) > 3 else ""
        return ", ".join(names[:3]) + rest


@dataclass(frozen=True)
class CorpusStatistics:
    """The size and hash of a corpus, and the texts that are held out."""

    texts: int
    characters: int
    hash: str
    """SHA-256 of the texts in order."""
    held_out: frozenset[int]
    """Digests of the held-out texts, so that copies of a text are never on both sides."""
    digests: NDArray[np.uint64]
    """Sorted digests of all texts, or of the first ``MAX_DIGESTS`` different ones."""

    def holds_out(self, text: str) -> bool:
        """Return whether a text is held out."""
        return text_digest(text) in self.held_out


def open_corpus(
    source: Source, columns: Mapping[str, str] | None = None, exclude: Source | None = None
) -> Corpus:
    """Return the corpus of a source without reading it.

    Args:
        source: A file or folder, a sequence of paths, a sequence of texts, or rows as for
            :func:`kgbert.read_texts`. In a sequence, strings are texts and ``Path`` objects files.
            Text files and JSON Lines are streamed, also with ``.gz``; files of other formats must
            fit into memory.
        columns: Names of the columns by role: ``{"text": "sentence"}``.
        exclude: Texts that are left out, however their case and blanks are; they are read.

    Raises:
        DataError: A folder has no file of texts.
    """
    if exclude is not None:
        digests = frozenset(text_digest(text) for text, _ in open_corpus(exclude, columns))
        return replace(open_corpus(source, columns), excluded=digests)
    names = Columns(columns or {})
    if isinstance(source, str | Path):
        return _of_paths([Path(source)], names)
    if isinstance(source, Sequence) and source and all(isinstance(x, Path) for x in source):
        return _of_paths(source, names)
    return Corpus((list(source) if isinstance(source, Iterator) else source,), names, {})


def measure(corpus: Corpus, held_out: float) -> CorpusStatistics:
    """Read a corpus once, and choose the texts to hold out by their digests.

    Args:
        corpus: The corpus.
        held_out: Share of the texts; at least one and at most ``MAX_HELD_OUT`` are held out.

    Raises:
        DataError: The corpus is empty or too short, or cannot be read.
    """
    sha, texts, characters = hashlib.sha256(), 0, 0
    # A heap of the smallest digests, negated: the largest of them is replaced first.
    smallest: list[int] = []
    chosen: set[int] = set()
    digests: set[int] = set()
    for text, _ in corpus:
        content = text.encode("utf-8", "surrogatepass")
        sha.update(len(content).to_bytes(8, "big") + content)
        texts, characters = texts + 1, characters + len(text)
        digest = text_digest(text)
        if len(digests) < MAX_DIGESTS:
            digests.add(digest)
        if digest in chosen or (len(smallest) > MAX_HELD_OUT and digest > -smallest[0]):
            continue
        chosen.add(digest)
        heapq.heappush(smallest, -digest)
        if len(smallest) > MAX_HELD_OUT + 1:
            chosen.remove(-heapq.heappop(smallest))
    _check_size(corpus, texts, len(chosen))
    count = min(MAX_HELD_OUT, len(chosen) - 1, max(1, round(held_out * texts)))
    return CorpusStatistics(
        texts,
        characters,
        sha.hexdigest(),
        frozenset(sorted(chosen)[:count]),
        np.array(sorted(digests), np.uint64),
    )


def _check_size(corpus: Corpus, texts: int, distinct: int) -> None:
    if not texts:
        raise DataError(
            f"{corpus.name}: the corpus contains no text; give a file with one text a line, or "
            "JSON Lines with a text in each object.",
            code="empty-corpus",
        )
    if distinct < 2:
        raise DataError(
            f"{corpus.name}: the corpus is too short: it contains {counted(distinct, 'different')} "
            "text, and at least two are needed, one to train on and one to hold out; write one "
            "sentence or paragraph a line.",
            code="corpus-too-short",
        )


def _of_paths(paths: Sequence[Path], columns: Columns) -> Corpus:
    files: list[Path] = []
    skipped: Counter[str] = Counter()
    for path in paths:
        if not path.is_dir():
            with located(path):
                check_file(path)
            files.append(path)
            continue
        inside = [x for x in sorted(path.rglob("*")) if x.is_file() and not _is_hidden(x, path)]
        known = [file for file in inside if _suffix(file) in (*_PLAIN_TEXT, *READERS)]
        skipped.update(_suffix(file) or file.name for file in inside if file not in set(known))
        if not known:
            suffixes = ", ".join(dict.fromkeys((*_PLAIN_TEXT, *READERS)))
            raise DataError(
                f"{path}: the folder has no file of texts ({suffixes}, also with .gz); name "
                "another folder or a file.",
                code="no-corpus-files",
            )
        files += known
    return Corpus(tuple(files), columns, dict(skipped))


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _suffix(path: Path) -> str:
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def _texts_of(source: Source, columns: Columns) -> Iterator[CorpusText]:
    if not isinstance(source, str | Path):
        yield from _texts_in_memory(source, columns)
        return
    path = Path(source)
    if _suffix(path) in _JSON_LINES:
        yield from _json_texts(path, columns)
    elif _suffix(path) in READERS and _suffix(path) not in _PLAIN_TEXT:
        for place, values in read_file(path, columns):
            yield from _of_record(place, columns.rename(values))
    else:
        columns.refuse("each line is a text")
        yield from _lines_of_text(path)


def _texts_in_memory(source: Source, columns: Columns) -> Iterator[CorpusText]:
    if isinstance(source, Sequence) and source and isinstance(source[0], str):
        for number, text in enumerate(source, start=1):
            yield from _of_record(f"text {number:,}", {TEXT: text})
        return
    for place, values in records_of(source, columns):
        yield from _of_record(place, columns.rename(values))


def _of_record(place: str, values: Mapping[str, Any]) -> Iterator[CorpusText]:
    """Yield the text of a record, and the second one of a pair."""
    with located(place):
        tokens = values.get("tokens")
        if TEXT not in values and isinstance(tokens, Sequence) and not isinstance(tokens, str):
            yield CorpusText(" ".join(map(str, tokens)), True)
            return
        yield CorpusText(text_field(values), True)
        if "text_pair" in values:
            yield CorpusText(text_field(values, "text_pair"), False)


def _lines_of_text(path: Path) -> Iterator[CorpusText]:
    """Yield the lines of a text file; a blank line starts a new document."""
    starts_document = True
    for _, line in _lines(path):
        if line.strip():
            yield CorpusText(line.strip(), starts_document)
        starts_document = not line.strip()


def _json_texts(path: Path, columns: Columns) -> Iterator[CorpusText]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        place = f"line {number:,}"
        with located(place):
            values = parse_line(line)
            columns.check_row(values)
        yield from _of_record(place, columns.rename(values))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line, in UTF-8 or the encoding of the byte order mark.

    Raises:
        DataError: The file is no text, or damaged.
    """
    is_packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            yield from _decoded(file, path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"cannot be unpacked ({error}); pack it again with gzip", code="damaged-archive"
        ) from error


def _decoded(file: Any, path: Path) -> Iterator[tuple[int, str]]:
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        yield from enumerate(read_content(path).split("\n"), start=1)
        return
    if b"\0" in head:
        raise _binary(head.count(b"\n", 0, head.index(b"\0")) + 1)
    for number, line in enumerate(file, start=1):
        if b"\0" in line:
            raise _binary(number)
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                f"line {number:,}: byte 0x{line[error.start]:02x} is not UTF-8; save the file as "
                "UTF-8 text",
                code="wrong-encoding",
            ) from error


def _binary(line: int) -> DataError:
    return DataError(
        f"line {line:,} has a NUL character, so this is a binary file; give a file of text",
        code="binary-file",
    )


def _parts(text: str) -> Iterator[str]:
    """Yield a text in parts of at most ``MAX_CHARACTERS``, split at spaces where possible."""
    text = text.strip()
    while len(text) > MAX_CHARACTERS:
        cut = text.rfind(" ", MAX_CHARACTERS // 2, MAX_CHARACTERS)
        cut = MAX_CHARACTERS if cut < 0 else cut
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text
