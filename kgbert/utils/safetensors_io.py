"""Memory-mapped safetensors files."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import KGBertError

_TYPES = {"F16": np.float16, "F32": np.float32, "I32": np.int32, "I64": np.int64, "U64": np.uint64}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}

#: Key of the checksum in the metadata.
_CHECKSUM = "crc32"
#: Largest file in bytes whose checksum is verified on opening; it would read a larger one whole.
_CHECKED = 64 << 20
#: Bytes per write, so that a matrix larger than memory can be copied.
_CHUNK = 1 << 24


def save_matrices(
    path: Path, matrices: Mapping[str, NDArray[Any]], about: Mapping[str, str]
) -> Path:
    """Write matrices atomically as one safetensors file, and return its path.

    The safetensors library would copy them into memory twice.
    """
    header: dict[str, Any] = {"__metadata__": dict(about)}
    end = 0
    for name, matrix in matrices.items():
        start, end = end, end + matrix.nbytes
        header[name] = {
            "dtype": _NAMES[matrix.dtype],
            "shape": list(matrix.shape),
            "data_offsets": [start, end],
        }
    if end <= _CHECKED:
        header["__metadata__"][_CHECKSUM] = _checksum(header, matrices.values())
    written = json.dumps(header).encode()
    # Padded, so that the memory-mapped matrices are aligned.
    written += b" " * (-len(written) % 8)
    return write_atomically(path, _file(written, list(matrices.values())))


def _checksum(header: Mapping[str, Any], parts: Iterable[NDArray[Any]]) -> str:
    number = zlib.crc32(json.dumps(header).encode())
    for part in parts:
        number = zlib.crc32(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data, number)
    return f"{number:08x}"


def _file(header: bytes, matrices: list[NDArray[Any]]) -> Iterator[bytes]:
    yield len(header).to_bytes(8, "little") + header
    for matrix in matrices:
        rows = max(1, _CHUNK * len(matrix) // max(1, matrix.nbytes))
        for start in range(0, len(matrix), rows):
            yield np.ascontiguousarray(matrix[start : start + rows]).tobytes()


def open_matrices(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the memory-mapped matrices of a safetensors file, and its metadata.

    Raises:
        KGBertError: The file is damaged or has another format.
    """
    try:
        # A plain array is sliced faster.
        mapped = np.asarray(np.memmap(path, np.uint8, mode="r"))
        length = int.from_bytes(mapped[:8].tobytes(), "little")
        header = json.loads(mapped[8 : 8 + length].tobytes())
        body = mapped[8 + length :]
        checksum = header["__metadata__"].pop(_CHECKSUM, "")
        if checksum and checksum != _checksum(header, [body]):
            raise ValueError("its content is not what was written")
        about = {str(key): str(value) for key, value in header.pop("__metadata__").items()}
        matrices = {name: _matrix(body, entry) for name, entry in header.items()}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise KGBertError(
            f"{path}: not a file of vectors that kgbert saved, or a damaged one ({error}). Delete "
            "it and create it again.",
            code="damaged-vectors",
        ) from error
    return matrices, about


def _matrix(body: NDArray[np.uint8], entry: Mapping[str, Any]) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(body):
        raise ValueError("it ends too early")
    matrix: NDArray[Any] = body[start:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return matrix
