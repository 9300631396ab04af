"""Save the columns of a graph in one safetensors file, and load it by memory mapping."""

import json
import zlib
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.provenance import Origins, References
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import GraphError

_STRINGS = ("entity_ids", "definitions", "names")
_NUMBERS: dict[str, Any] = {
    "name_entities": np.int32,
    "name_scopes": np.uint8,
    "name_languages": np.uint16,
    "heads": np.int32,
    "relations": np.int32,
    "tails": np.int32,
}
_WORDS = ("languages", "relation_ids", "relation_names", "notes")
_TEXTS = ("source", "version", "licence", "domain")
_EQUALLY_LONG = (
    ("entity_ids", "definitions"),
    ("names", "name_entities", "name_scopes", "name_languages"),
    ("heads", "relations", "tails"),
)
#: Elements of a column that are written at a time.
_PIECE = 1 << 20
#: Largest file in bytes whose checksum is verified on loading; it would read a larger one whole.
_CHECKED = 64 << 20
_TYPES = {"U8": np.uint8, "U16": np.uint16, "I32": np.int32, "I64": np.int64}


def save_graph(graph: KnowledgeGraph, path: str | PathLike[str]) -> Path:
    """Write a graph atomically into one safetensors file, and return its path."""
    columns: dict[str, NDArray[Any]] = {name: getattr(graph, name) for name in _NUMBERS}
    for name in _STRINGS:
        strings: StringColumn = getattr(graph, name)
        columns[f"{name}.blob"], columns[f"{name}.offsets"] = strings.blob, strings.offsets
    metadata = {name: getattr(graph, name) for name in (*_WORDS, *_TEXTS)}
    metadata["replaced"] = dict(graph.replaced)
    metadata["unused_properties"] = dict(graph.unused_properties)
    metadata["dropped_edges"] = graph.dropped_edges
    _save_references(graph.references, columns, metadata)
    if graph.origins:
        metadata["origins"] = graph.origins.combinations
        columns["origins.entities"] = graph.origins.entities
        columns["origins.edges"] = graph.origins.edges
    return save_columns(columns, metadata, Path(path))


def _save_references(
    references: References, columns: dict[str, NDArray[Any]], metadata: dict[str, Any]
) -> None:
    metadata["references"] = references.relation_ids
    columns["references.heads"] = references.heads
    columns["references.relations"] = references.relations
    columns["references.tails.blob"] = references.tails.blob
    columns["references.tails.offsets"] = references.tails.offsets


def load_graph(path: str | PathLike[str]) -> KnowledgeGraph:
    """Return the graph in a file of :func:`save_graph`, mapped into memory.

    Raises:
        GraphError: The file is missing, damaged, or not a graph file.
    """
    path = Path(path)
    if not path.is_file():
        raise GraphError(
            f"{path}: no such file, so no graph can be opened. Save it first: "
            f"save_graph(read_graph('ontology.owl'), {str(path)!r}).",
            code="missing-graph-file",
        )
    try:
        columns, metadata = open_columns(path)
        graph = _assemble(columns, metadata)
    except (LookupError, TypeError, ValueError, AttributeError, OSError, RecursionError) as error:
        raise GraphError(
            f"{path}: not a graph that kgbert saved, or a damaged one ({error}). Remove the file "
            f"and save the graph again: save_graph(read_graph('ontology.owl'), {str(path)!r}).",
            code="damaged-graph-file",
        ) from None
    return graph


def save_columns(columns: dict[str, NDArray[Any]], metadata: dict[str, Any], path: Path) -> Path:
    """Write columns and metadata into one safetensors file.

    Columns are written in pieces, because the safetensors library would copy all of them.
    """
    # The widest types first, as in the library, so that each column is aligned to its item size.
    ordered = sorted(columns.items(), key=lambda column: -column[1].itemsize)
    header: dict[str, Any] = {"__metadata__": {"kgbert": json.dumps(metadata)}}
    columns = dict(ordered)
    end = 0
    for name, column in ordered:
        start, end = end, end + column.nbytes
        code = next(code for code, kind in _TYPES.items() if kind == column.dtype)
        header[name] = {"dtype": code, "shape": [len(column)], "data_offsets": [start, end]}
    if end <= _CHECKED:
        header["__metadata__"]["crc32"] = _checksum(header, columns.values())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return write_atomically(path, _pieces(text, columns.values()))


def _checksum(header: dict[str, Any], columns: Iterable[NDArray[Any]]) -> str:
    number = zlib.crc32(json.dumps(header).encode())
    for column in columns:
        number = zlib.crc32(np.ascontiguousarray(column).data, number)
    return f"{number:08x}"


def _pieces(header: bytes, columns: Iterable[NDArray[Any]]) -> Iterator[bytes]:
    yield len(header).to_bytes(8, "little") + header
    for column in columns:
        for start in range(0, len(column), _PIECE):
            yield column[start : start + _PIECE].tobytes()


def open_columns(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the columns, as views of the mapped file, and the metadata.

    A safetensors file has the length of its header (8 bytes), the header in JSON, and the columns.
    The safetensors library would copy them; views read a column only when it is used.
    """
    mapped = np.asarray(np.memmap(path, np.uint8, mode="r"))  # slicing a plain array is faster
    length = int.from_bytes(mapped[:8].tobytes(), "little")
    if length > len(mapped) - 8:
        raise ValueError("the file ends within its header")
    header = json.loads(mapped[8 : 8 + length].tobytes())
    body = mapped[8 + length :]
    checksum = header["__metadata__"].pop("crc32", "")
    if checksum and checksum != _checksum(header, [body]):
        raise ValueError("its content is not what was written")
    metadata = json.loads(header.pop("__metadata__")["kgbert"])
    columns = {}
    for name, column in header.items():
        start, end = column["data_offsets"]
        if not 0 <= start <= end <= len(body):
            raise ValueError(f"the file ends within {name}")
        columns[name] = body[start:end].view(_TYPES[column["dtype"]])
    return columns, metadata


def _assemble(columns: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> KnowledgeGraph:
    parts: dict[str, Any] = {name: columns[name].view(kind) for name, kind in _NUMBERS.items()}
    for name in _STRINGS:
        parts[name] = StringColumn(columns[f"{name}.blob"], columns[f"{name}.offsets"])
    for together in _EQUALLY_LONG:
        if len({len(parts[name]) for name in together}) > 1:
            raise ValueError(f"{', '.join(together)} differ in length")
    parts.update((name, tuple(metadata[name])) for name in _WORDS)
    # Files of earlier versions have no domain.
    parts.update((name, str(metadata.get(name, ""))) for name in _TEXTS)
    # Files of the first version have neither references nor origins.
    if "references" in metadata:
        parts["references"] = References(
            columns["references.heads"],
            columns["references.relations"],
            StringColumn(columns["references.tails.blob"], columns["references.tails.offsets"]),
            tuple(metadata["references"]),
        )
    if "origins" in metadata:
        combinations = tuple(tuple(map(str, sources)) for sources in metadata["origins"])
        parts["origins"] = Origins(
            combinations, columns["origins.entities"], columns["origins.edges"]
        )
    dropped = tuple(
        (str(edge[0]), int(edge[1]), str(edge[2])) for edge in metadata["dropped_edges"]
    )
    return KnowledgeGraph(
        **parts,
        replaced=metadata["replaced"],
        unused_properties=metadata["unused_properties"],
        dropped_edges=dropped,
    )
