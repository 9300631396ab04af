"""Save the index of a dictionary linker in one file, and load it without building it."""

from os import PathLike
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from kgbert.graph.core.columns import StringColumn
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.serialization import open_columns, save_columns
from kgbert.linking.dictionary.index import NameIndex
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.utils.errors import KGBertError, MissingFileError

_TYPES = {
    "reach": np.uint16,
    "hashes": np.int64,
    "pairs": np.int64,
    "offsets": np.int64,
    "names": np.int32,
}


def save_linker(linker: DictionaryLinker, path: str | PathLike[str]) -> Path:
    """Write a linker without its graph into one file, atomically; return its path."""
    index = linker.index
    columns = {name: getattr(index, name) for name in _TYPES}
    columns |= {"words.blob": index.vocabulary.blob, "words.offsets": index.vocabulary.offsets}
    return save_columns(
        columns, {"settings": linker.settings, "graph": linker.graph.hash}, Path(path)
    )


def load_linker(graph: KnowledgeGraph, path: str | PathLike[str]) -> DictionaryLinker:
    """Return the linker of a file, with a memory-mapped index that processes share.

    Raises:
        KGBertError: The file is missing or damaged, or was written for another graph.
    """
    path = Path(path)
    remedy = f"Make and save the linker again: save_linker(DictionaryLinker(graph), {str(path)!r})."
    if not path.is_file():
        raise MissingFileError(
            f"{path}: no such file, so no linker can be loaded. {remedy}",
            code="missing-linker-file",
        )
    try:
        columns, metadata = open_columns(path)
        parts = {name: columns[name].view(kind) for name, kind in _TYPES.items()}
        words = StringColumn(columns["words.blob"], columns["words.offsets"])
        index = NameIndex(vocabulary=words, **parts)
        graph_hash, settings = metadata["graph"], metadata["settings"]
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise KGBertError(
            f"{path}: not a linker that kgbert saved, or a damaged one ({error}). {remedy}",
            code="damaged-linker-file",
        ) from None
    if graph_hash != graph.hash:
        raise KGBertError(
            f"{path}: made for another graph (hash {graph_hash[:12]}, this one has "
            f"{graph.hash[:12]}), so its names would refer to wrong entities. {remedy}",
            code="linker-of-another-graph",
        )
    return DictionaryLinker.from_settings(graph, settings, index=index)
