"""The readers of labelled texts by file suffix."""

from collections.abc import Callable, Iterator
from pathlib import Path

from kgbert.data.columns import Columns, Record
from kgbert.data.files import check_file, read_content
from kgbert.data.readers.conll import looks_like_conll, read_conll
from kgbert.data.readers.conllu import read_conllu
from kgbert.data.readers.json_objects import read_json
from kgbert.data.readers.lines import read_lines
from kgbert.data.readers.parquet import read_parquet
from kgbert.data.readers.separated import read_separated
from kgbert.utils.registry import lookup

#: A TextReader takes the content of a text file, a Reader the path of any file.
TextReader = Callable[[str, Columns], Iterator[Record]]
Reader = Callable[[Path, Columns], Iterator[Record]]


def read_file(path: Path, columns: Columns) -> Iterator[Record]:
    """Return the records of a file in order; the suffix determines the reader."""
    check_file(path)
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()
    return lookup(READERS, suffix, "suffix")(path, columns)


def _text_reader(read: TextReader) -> Reader:
    return lambda path, columns: read(read_content(path), columns)


def _with_conll_detection(read: TextReader) -> Reader:
    """Return a reader that reads a file as CoNLL if each line is a token and a tag."""

    def read_either(content: str, columns: Columns) -> Iterator[Record]:
        return (read_conll if looks_like_conll(content) else read)(content, columns)

    return _text_reader(read_either)


#: Readers by file suffix.
READERS: dict[str, Reader] = {
    ".csv": _text_reader(read_separated),
    ".tsv": _with_conll_detection(read_separated),
    ".jsonl": _text_reader(read_json),
    ".ndjson": _text_reader(read_json),
    ".json": _text_reader(read_json),
    ".txt": _with_conll_detection(read_lines),
    ".conll": _text_reader(read_conll),
    ".bio": _text_reader(read_conll),
    ".iob": _text_reader(read_conll),
    ".iob2": _text_reader(read_conll),
    ".conllu": _text_reader(read_conllu),
    ".conllup": _text_reader(read_conllu),
    ".parquet": read_parquet,
}
