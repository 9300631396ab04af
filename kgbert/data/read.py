"""Read texts from a file, whatever its format."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from kgbert.data.columns import Columns, located
from kgbert.data.example import Example, Span, disjoint, longest
from kgbert.data.fields import plain_example
from kgbert.data.readers.conll import looks_like_conll, read_conll
from kgbert.data.readers.jsonl import read_jsonl
from kgbert.data.readers.separated import read_separated
from kgbert.utils.registry import lookup

#: Texts are held in memory; a file that unpacks to more bytes than this is refused.
MAX_BYTES = 1 << 30


@runtime_checkable
class Reading(Protocol):
    """What reading a file asks of a task, as :class:`kgbert.tasks.base.Task` answers it."""

    overlapping_spans: ClassVar[bool]

    def read(self, record: Mapping[str, Any]) -> Example:
        """Return a row of a file as an example."""
        ...


def read_texts(
    path: str | Path,
    *,
    text_column: str = "text",
    label_column: str = "label",
    require_labels: bool = False,
    overlaps: str = "refuse",
) -> list[Example]:
    r"""Return the texts of a file, in its order, with their labels, spans and arguments if any.

    The format follows the suffix (``.csv .tsv .jsonl .txt .conll``, each also with ``.gz``); a
    ``.txt`` or ``.tsv`` whose lines are a token and a tag each is read as CoNLL.

    Args:
        path: The file, in UTF-8.
        text_column: The column or JSON key of the text.
        label_column: The column or JSON key of the label; one that is named here must be there.
        require_labels: Refuse a text without label; else its target is None.
        overlaps: What to do with overlapping spans: ``"refuse"`` the file, or keep the
            ``"longest"``.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "notes.csv")
    ...     _ = file.write_text("text,label\nHigh fever.,ill\n")
    ...     read_texts(file)
    [Example(text='High fever.', target='ill', spans=(), id='')]
    """
    settle = lookup(OVERLAPS, overlaps, "rule for overlaps")
    columns = Columns(text_column, label_column, require_labels)
    return list(_examples(Path(path), plain_example, columns, settle))


def read_examples(
    path: str | Path,
    task: Reading,
    *,
    text_column: str = "text",
    label_column: str = "label",
    overlaps: str = "longest",
) -> list[Example]:
    """Return the rows of a file as the examples of a task.

    Args:
        path: As for :func:`read_texts`.
        task: Reads each row.
        text_column: The column or JSON key of the text.
        label_column: The column or JSON key of the label; one that is named here must be there.
        overlaps: What to do with overlapping spans where the task allows none.
    """
    settle = lookup(OVERLAPS, overlaps, "rule for overlaps")
    columns = Columns(text_column, label_column)
    return list(
        _examples(Path(path), task.read, columns, tuple if task.overlapping_spans else settle)
    )


def read_records(path: str | Path, columns: Columns) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line and values of each row of a file, the named columns called text and label."""
    path = Path(path)
    with located(path):
        content = _decode(_bytes(path))
        empty = True
        for line, record in _reader(path, content)(content, columns):
            empty = False
            yield line, columns.rename(record)
        if empty:
            raise ValueError("no text in this file; put one text a line, below a header in CSV")


def _examples(
    path: Path,
    read: Callable[[Mapping[str, Any]], Example],
    columns: Columns,
    settle: Callable[[Iterable[Span]], tuple[Span, ...]],
) -> Iterator[Example]:
    for line, record in read_records(path, columns):
        with located(f"{path}: line {line:,}"):
            example = read(record)
            yield replace(example, spans=settle(example.spans))


def _bytes(path: Path) -> bytes:
    if not path.exists():
        raise FileNotFoundError(_missing(path))
    if path.is_dir():
        raise ValueError(f"this is a folder; name one of its files, as in {path / 'train.csv'}")
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be unpacked ({error}); pack it again with gzip") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes of text; split it into smaller files")
    return content


def _missing(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"{path}: no such file, and no folder {folder}; check the path"
    close = get_close_matches(path.name, (file.name for file in folder.iterdir()), n=1)
    hint = f"did you mean {folder / close[0]}?" if close else "check the name"
    return f"{path}: no such file; {hint}"


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line:,}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as "
            "UTF-8 text (from a spreadsheet: export as CSV UTF-8)"
        ) from error
    if not text.strip():
        raise ValueError("the file is empty; put one text a line, below a header in CSV")
    return text


def _reader(
    path: Path, content: str
) -> Callable[[str, Columns], Iterator[tuple[int, Mapping[str, Any]]]]:
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    if suffix in (".txt", ".tsv") and looks_like_conll(content):
        return _conll
    return lookup(READERS, suffix, "suffix")


def _conll(content: str, columns: Columns) -> Iterator[tuple[int, Mapping[str, Any]]]:
    columns.check_unnamed("token and tag are the first and the last word of a line")
    return read_conll(content)


def _lines(content: str, columns: Columns) -> Iterator[tuple[int, Mapping[str, Any]]]:
    columns.check_unnamed("a line is a text")
    if columns.label_required:
        raise ValueError(
            "a .txt file holds texts without labels; write a .csv with the header "
            f"{columns.text},{columns.label}"
        )
    # Not splitlines(): it also splits at characters that may stand inside a text (U+2028, U+0085).
    stripped = ((number, line.strip()) for number, line in enumerate(content.split("\n"), start=1))
    return ((number, {columns.text: line}) for number, line in stripped if line)


#: Readers by suffix; each is called with the content and the columns, and yields line and values
#: of each row.
READERS = {
    ".csv": read_separated,
    ".tsv": read_separated,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".txt": _lines,
    ".conll": _conll,
    ".bio": _conll,
    ".iob": _conll,
    ".iob2": _conll,
}

#: What to do with spans that overlap: leave them for the example to refuse, or choose.
OVERLAPS: dict[str, Callable[[Iterable[Span]], tuple[Span, ...]]] = {
    "refuse": disjoint,
    "longest": longest,
}
