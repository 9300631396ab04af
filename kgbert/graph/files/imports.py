"""Find the files of an ontology that is spread over several, without the network."""

import logging
import re
from pathlib import Path, PurePath

from kgbert.graph.core.options import Limits
from kgbert.graph.files.safe_parsing import safe_xml
from kgbert.graph.files.source import Source
from kgbert.utils.errors import GraphError

logger = logging.getLogger(__name__)

CATALOG = "catalog-v001.xml"

#: Suffixes of graph files, as opposed to what else lies in a folder.
_SUFFIXES = frozenset(
    (
        ".rrf",
        ".obo",
        ".owl",
        ".rdf",
        ".ttl",
        ".nt",
        ".nq",
        ".trig",
        ".trix",
        ".n3",
        ".jsonld",
        ".hext",
    )
)
#: Longer names are those of no file.
_LONGEST_NAME = 200
_TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl")
#: Beginnings of the names of texts that lie next to tables.
_DOCUMENTATION = ("readme", "license", "licence", "copying", "changelog", "notice")
_ENTRY = re.compile(rb"<(?:uri|system|public)\b([^<>]*+)>")
_ATTRIBUTE = re.compile(rb"(?<!\w)(\w++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")


def graph_files_in(folder: Path, limits: Limits) -> list[Source]:
    """Return the graph files of a folder and its folders, in the order of their paths.

    Tables count where there is nothing else; next to an ontology they may be anything.

    Raises:
        GraphError: There is none.
    """
    root = folder.resolve()
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[:1] != "."]
    sources = []
    for path in paths:
        if path.resolve().is_relative_to(root):
            sources.append(Source(path, limits=limits))
        else:
            logger.warning("%s: a symbolic link that leaves the folder; it is not read", path)
    graphs = filter_graph_files(sources) or _tables_among(sources)
    if not graphs:
        names = [str(source.path.relative_to(folder)) for source in sources]
        listed = ", ".join([*names[:5], *["..."][: len(names) > 5]]) or "nothing"
        raise GraphError(
            f"{folder}: a folder without ontology files (it contains {listed}). Name a file in it, "
            f"or a folder with files such as *.owl, *.ttl, *.obo or *.csv.",
            code="no-graph-files",
        )
    return graphs


def _tables_among(sources: list[Source]) -> list[Source]:
    """Return the tables among files; a single text need not be one."""
    tables = [
        source
        for source in sources
        if source.suffix in _TABLES
        and not PurePath(source.member or source.path).name.lower().startswith(_DOCUMENTATION)
    ]
    return tables if len(tables) > 1 else [each for each in tables if each.suffix != ".txt"]


def filter_graph_files(sources: list[Source]) -> list[Source]:
    """Return the graph files among others, by their suffixes."""
    return [source for source in sources if source.suffix in _SUFFIXES]


class ImportResolver:
    """Find imported ontologies: by the nearest catalog, or in the folder of the importing file."""

    def __init__(self) -> None:
        self._catalogs: dict[Path, dict[str, Path]] = {}

    def find(self, source: Source, iri: str) -> Source | None:
        """Return the local file of an ontology that a source imports, or None."""
        folder = source.path.resolve().parent
        catalog = next((f for f in (folder, *folder.parents) if (f / CATALOG).is_file()), folder)
        if catalog not in self._catalogs:
            self._catalogs[catalog] = _catalog(catalog, source.limits)
        path = self._catalogs[catalog].get(iri.rstrip("/#")) or _sibling_file(folder, iri)
        return Source(path, limits=source.limits) if path else None


def _sibling_file(folder: Path, iri: str) -> Path | None:
    """Return a file of the folder whose name is the end of the IRI."""
    last = iri.rstrip("/#").rsplit("/", 1)[-1]
    if "\0" in last or len(last) > _LONGEST_NAME:
        return None
    paths = (folder / Path(last + suffix).name for suffix in ("", *sorted(_SUFFIXES)))
    return next((path for path in paths if _is_file_inside(path, folder)), None)


def _is_file_inside(path: Path, folder: Path) -> bool:
    """Return whether a path is a file of a folder, and no link that leads out of it."""
    try:
        return path.resolve().is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False


def _catalog(folder: Path, limits: Limits) -> dict[str, Path]:
    """Return the ontology IRIs and files of a folder's catalog; nothing if it has none."""
    if not (folder / CATALOG).is_file():
        return {}
    return dict(_entries(safe_xml(Source(folder / CATALOG, limits=limits)), folder))


def _entries(content: bytes, folder: Path) -> list[tuple[str, Path]]:
    entries = []
    for element in _ENTRY.finditer(content):
        attributes = {name: one or two for name, one, two in _ATTRIBUTE.findall(element[1])}
        iri = (
            attributes.get(b"name")
            or attributes.get(b"systemId")
            or attributes.get(b"publicId")
            or b""
        )
        path = folder / attributes.get(b"uri", b"").decode(errors="replace")
        # A catalog speaks for its own folder only: it must not lead to other files.
        if _is_file_inside(path, folder):
            entries.append((iri.decode(errors="replace").rstrip("/#"), path.resolve()))
    return entries
