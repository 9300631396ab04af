"""Cache read graphs on disk until their sources or the options change."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.files.imports import ImportResolver
from kgbert.graph.files.source import Source
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.errors import GraphError

logger = logging.getLogger(__name__)

#: Smallest size in bytes of cached sources; smaller ones are parsed as fast as they are loaded.
_WORTH_KEEPING = 1 << 20
#: Fewest entities of a cached merged graph; smaller ones are merged as fast as they are loaded.
_WORTH_MERGING_ONCE = 10_000
#: From this size in bytes, size and modification time identify a file; hashing takes seconds.
_LONG_TO_HASH = 1 << 28


@dataclass(frozen=True)
class ReadFiles:
    """The files that a graph was read from, and the imports that were not found."""

    files: dict[Path, int] = field(default_factory=dict)
    """File -> its modification time before it was read, in nanoseconds."""
    missing: list[tuple[str, str]] = field(default_factory=list)
    """(importing file, IRI of the imported ontology)."""


@dataclass(frozen=True)
class CacheEntry:
    """The cache entry of one combination of sources, format and options.

    A manifest lists the files that were read with their hashes (large files with their size and
    modification time) and the file of the graph. The name of that file is a hash of this list, so
    that concurrent writers cannot mix up their graphs. A merged graph has no manifest: its file
    name is a hash of its parts.
    """

    folder: Path
    key: str

    @classmethod
    def of(
        cls, folder: Path, paths: Sequence[Path], format_name: object, options: ReadOptions
    ) -> "CacheEntry":
        """Return the cache entry of a call of read_graph."""
        places = [str(path.resolve()) for path in paths]
        request = json.dumps([places, format_name, repr(options), _reader_hash()])
        return cls(folder, _digest(request)[:32])

    def find(self, files: Iterable[Path]) -> KnowledgeGraph | None:
        """Return the cached graph, or None if there is none or one of its files has changed.

        Args:
            files: The files to read now. The manifest lists the imported ones.
        """
        try:
            manifest = json.loads((self.folder / f"{self.key}.json").read_text(encoding="utf-8"))
            if not _is_fresh(manifest, files):
                return None
            return load_graph(self.folder / str(manifest["graph"]))
        except OSError:
            return None
        except (GraphError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning(
                "the cached graph in %s is damaged and read anew: %s", self.folder, error
            )
            return None

    def keep(self, graph: KnowledgeGraph, read: ReadFiles) -> None:
        """Cache a graph that was read from some files; a failed write only causes a warning."""
        try:
            if sum(path.stat().st_size for path in read.files) < _WORTH_KEEPING:
                return
            hashes = {str(path): _state(path) for path in sorted(read.files)}
            changed = [path for path, time in read.files.items() if path.stat().st_mtime_ns != time]
        except OSError as error:
            changed = [Path(str(error.filename))]
        if changed:
            logger.warning("%s changed while it was read: read the graph again", changed[0])
            return
        try:
            path = self._path(json.dumps(hashes))
            save_graph(graph, path)
            manifest = {"graph": path.name, "files": hashes, "absent": read.missing}
            write_atomically(self.folder / f"{self.key}.json", json.dumps(manifest, indent=1))
            self._remove_others(path)
        except OSError as error:
            self._warn_unwritable(error)

    def load_merged(self, parts: Sequence[KnowledgeGraph], mapping: str) -> KnowledgeGraph | None:
        """Return the cached graph that was merged from parts with a mapping table, or None."""
        path = self._path(_merge_key(parts, mapping))
        try:
            return load_graph(path) if path.is_file() else None
        except (GraphError, AttributeError) as error:
            logger.warning("the cached graph %s is damaged and merged anew: %s", path, error)
            return None

    def store_merged(
        self, graph: KnowledgeGraph, parts: Sequence[KnowledgeGraph], mapping: str
    ) -> None:
        """Cache a graph that was merged from parts."""
        if len(graph) < _WORTH_MERGING_ONCE:
            return
        path = self._path(_merge_key(parts, mapping))
        try:
            save_graph(graph, path)
            self._remove_others(path)
        except OSError as error:
            self._warn_unwritable(error)

    def _warn_unwritable(self, error: OSError) -> None:
        reason = os.strerror(error.errno) if error.errno else str(error)
        logger.warning(
            "the graph was read, but cannot be kept for the next time: the cache folder %s cannot "
            "be written to (%s). Name another folder: read_graph(..., cache='FOLDER'), or none: "
            "cache=None (as options of kgbert: --cache FOLDER, --no-cache)",
            self.folder,
            reason,
        )

    def _path(self, content: str) -> Path:
        return self.folder / f"{self.key}-{_digest(content)[:16]}.safetensors"

    def _remove_others(self, path: Path) -> None:
        for outdated in self.folder.glob(f"{self.key}-*.safetensors"):
            if outdated != path:
                outdated.unlink(missing_ok=True)


def _merge_key(parts: Sequence[KnowledgeGraph], mapping: str) -> str:
    """Return everything that determines a merged graph; ``hash`` alone leaves out some of it."""
    table = Path(mapping)
    inputs: list[Any] = [_state(table) if table.is_file() else ""]
    for part in parts:
        inputs += [part.hash, part.source, part.version, part.licence, part.notes]
        inputs += [dict(part.replaced), part.references.digest()]
    return json.dumps(inputs)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _is_fresh(manifest: dict[str, Any], files: Iterable[Path]) -> bool:
    """Whether reading again would read the same files with the same content."""
    kept = {Path(path): state for path, state in manifest["files"].items()}
    neighbours = ImportResolver()
    return (
        set(files) <= kept.keys()
        and all(path.is_file() and _state(path) == state for path, state in kept.items())
        and not any(neighbours.find(Source(Path(path)), iri) for path, iri in manifest["absent"])
    )


def _state(path: Path) -> str:
    """Return a string that changes with the content of a file: a hash, or size and time."""
    status = path.stat()
    if status.st_size >= _LONG_TO_HASH:
        return f"{status.st_size} bytes, changed at {status.st_mtime_ns} ns"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=1)
def _reader_hash() -> str:
    """Return the hash of the code of the readers: a new release invalidates the cache."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()
