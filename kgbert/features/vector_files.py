"""Read entity vectors that other tools wrote: word2vec and GloVe text, NumPy, safetensors."""

import json
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, takewhile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kgbert.reporting.formatting import counted
from kgbert.utils.errors import DataError, MissingFileError

#: Longest line of a text file in bytes; a longer one is not of such a file.
_LONGEST_LINE = 1 << 20
#: Names of the arrays in a NumPy or safetensors file.
IDS, VECTORS = "ids", "vectors"
_HOW_TO_EXPORT = (
    "Write a NumPy file: np.savez('vectors.npz', ids=np.array(ids, dtype=str), vectors=matrix), "
    "where row i of the matrix is the vector of the entity ids[i]."
)


class VectorRow(NamedTuple):
    """An id of a file and its vector."""

    place: str
    """Line or row, for messages."""
    identifier: str
    vector: NDArray[np.float32] | None
    """None if the id is not wanted, so that its numbers were not parsed."""


#: Reads the rows of a file; vectors are only needed for ids that a function accepts.
VectorReader = Callable[[Path, Callable[[str], bool]], Iterator[VectorRow]]


def read_vector_rows(path: Path, wanted: Callable[[str], bool]) -> Iterator[VectorRow]:
    """Yield the ids of a file and, for those that are wanted, their vectors of one length.

    Args:
        path: A file in a format of VECTOR_READERS.
        wanted: Whether the vector of an id is needed.

    Raises:
        DataError: The file has another format, or a row has another length.
    """
    check_vector_file(path)
    return VECTOR_READERS.get(path.suffix.lower(), read_text_vectors)(path, wanted)


def check_vector_file(path: Path) -> None:
    """Raise DataError if a file of vectors does not exist or has a format that is not read."""
    if not path.is_file():
        raise MissingFileError(
            f"{path}: no such file of entity vectors; check the path.", code="missing-vectors"
        )
    if reason := _UNREADABLE.get(path.suffix.lower()):
        raise DataError(
            f"{path}: not read, because it is {reason}. {_HOW_TO_EXPORT}", code="vector-format"
        )


def read_text_vectors(path: Path, wanted: Callable[[str], bool]) -> Iterator[VectorRow]:
    """Yield the rows of a word2vec or GloVe text file: an id and numbers, separated by blanks."""
    with path.open("rb") as file:
        first = _line(file.readline(_LONGEST_LINE), path, 1)
        header = first.split()
        has_header = len(header) == 2 and all(part.isdecimal() for part in header)
        width = int(header[1]) if has_header else _trailing_numbers(header)
        if not width:
            raise DataError(
                f"{path}: line 1: found {first[:60]!r}, expected an id followed by numbers, as "
                f"word2vec and GloVe write vectors as text. {_HOW_TO_EXPORT}",
                code="vector-format",
            )
        rows = chain([] if has_header else [first], _later_lines(file, path))
        expected = f"the {'header says' if has_header else 'vectors before have'} {width:,}"
        for number, line in enumerate(rows, start=2 if has_header else 1):
            if line.strip():
                yield _text_row(line, width, f"{path}: line {number}", expected, wanted)


def _later_lines(file: BinaryIO, path: Path) -> Iterator[str]:
    for number in count(2):
        line = file.readline(_LONGEST_LINE)
        if not line:
            return
        yield _line(line, path, number)


def _line(line: bytes, path: Path, number: int) -> str:
    if len(line) >= _LONGEST_LINE:
        raise DataError(
            f"{path}: line {number} is longer than {_LONGEST_LINE:,} bytes, so that this is no "
            f"text file of vectors. {_HOW_TO_EXPORT}",
            code="vector-format",
        )
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number} is not UTF-8 text; the binary format of word2vec is not read. "
            "Save the vectors as text: model.save_word2vec_format(path, binary=False).",
            code="vector-format",
        ) from error


def _text_row(
    line: str, width: int, place: str, expected: str, wanted: Callable[[str], bool]
) -> VectorRow:
    parts = line.rsplit(maxsplit=width)
    has_more = " " in parts[0].strip() and _is_number(parts[0].split()[-1])
    if len(parts) != width + 1 or has_more or not _is_number(parts[1]):
        numbers = counted(_trailing_numbers(line.split()), "number")
        raise DataError(
            f"{place}: {numbers} after the id {parts[0][:40]!r}, but {expected}. Remove the line, "
            "or write the file again.",
            code="vector-width",
        )
    identifier = parts[0].strip()
    if not wanted(identifier):
        return VectorRow(place, identifier, None)
    try:
        return VectorRow(place, identifier, np.array(parts[1:], np.float32))
    except ValueError as error:
        raise DataError(
            f"{place}: a value of {identifier!r} is no number ({error}). Correct the line.",
            code="vector-not-a-number",
        ) from error


def _trailing_numbers(parts: Sequence[str]) -> int:
    """Return how many of the last parts are numbers, without the first part, which is an id."""
    return sum(1 for _ in takewhile(_is_number, reversed(parts[1:])))


def _is_number(part: str) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def read_numpy_vectors(path: Path, wanted: Callable[[str], bool]) -> Iterator[VectorRow]:
    """Yield the rows of a NumPy archive with the arrays ``ids`` and ``vectors``."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(
            f"{path}: cannot be read as a NumPy archive without Python objects, which are not "
            f"loaded, because they can run code. {_HOW_TO_EXPORT}",
            code="vector-format",
        ) from error
    if IDS not in arrays or VECTORS not in arrays:
        raise DataError(
            f"{path}: has the arrays {', '.join(sorted(arrays)) or '(none)'}, but {IDS!r} and "
            f"{VECTORS!r} are needed. {_HOW_TO_EXPORT}",
            code="vector-format",
        )
    yield from _matrix_rows(path, [str(each) for each in arrays[IDS].tolist()], arrays[VECTORS])


def read_safetensors_vectors(path: Path, wanted: Callable[[str], bool]) -> Iterator[VectorRow]:
    """Yield the rows of the tensor ``vectors``; the metadata ``ids`` is a JSON list of the ids."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names, metadata = list(file.keys()), file.metadata() or {}
            matrix = file.get_tensor(VECTORS) if VECTORS in names else None
            ids = json.loads(metadata[IDS]) if IDS in metadata else None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: cannot be read as safetensors ({error}). {_HOW_TO_EXPORT}",
            code="vector-format",
        ) from error
    if matrix is None or not isinstance(ids, list):
        raise DataError(
            f"{path}: has the tensors {', '.join(names) or '(none)'} and the metadata "
            f"{', '.join(sorted(metadata)) or '(none)'}, but the tensor {VECTORS!r} and the "
            f"metadata {IDS!r}, a JSON list of the ids of its rows, are needed. {_HOW_TO_EXPORT}",
            code="vector-format",
        )
    yield from _matrix_rows(path, list(map(str, ids)), matrix)


def _matrix_rows(path: Path, ids: Sequence[str], matrix: NDArray[Any]) -> Iterator[VectorRow]:
    if matrix.ndim != 2 or len(matrix) != len(ids) or not matrix.shape[1] >= 1:
        raise DataError(
            f"{path}: {len(ids):,} ids do not fit vectors of the shape {matrix.shape}; one row an "
            f"id is needed. {_HOW_TO_EXPORT}",
            code="vector-width",
        )
    if matrix.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: the vectors are of the type {matrix.dtype}, not real numbers. "
            f"{_HOW_TO_EXPORT}",
            code="vector-not-a-number",
        )
    for row, (identifier, vector) in enumerate(zip(ids, matrix, strict=True)):
        yield VectorRow(f"{path}: row {row}", identifier, vector.astype(np.float32))


def check_finite(row: VectorRow) -> NDArray[np.float32]:
    """Return the vector of a wanted row.

    Raises:
        DataError: It has a value that is not finite.
    """
    assert row.vector is not None
    if not np.isfinite(row.vector).all():
        value = next(float(each) for each in row.vector if not math.isfinite(each))
        raise DataError(
            f"{row.place}: the vector of {row.identifier!r} has the value {value}, so that the "
            "training that made it diverged or the file is damaged. Make the vectors again, or "
            "remove that one.",
            code="vector-not-finite",
        )
    return row.vector


#: Formats by the end of the file name; all others are read as text.
VECTOR_READERS: dict[str, VectorReader] = {
    ".npz": read_numpy_vectors,
    ".safetensors": read_safetensors_vectors,
    ".txt": read_text_vectors,
    ".vec": read_text_vectors,
}

#: Formats that cannot be read, with the reason.
_UNREADABLE = {
    ".pkl": "a pickle, which can run code when it is loaded",
    ".pickle": "a pickle, which can run code when it is loaded",
    ".pt": "a file of PyTorch, which can run code when it is loaded",
    ".pth": "a file of PyTorch, which can run code when it is loaded",
    ".model": "a file of gensim, which can run code when it is loaded",
    ".npy": "a matrix without the ids of its rows",
    ".gz": "compressed; unpack it first",
    ".zip": "compressed; unpack it first",
}
