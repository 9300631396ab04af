"""Entity features from several sources: descriptions encoded as text, and vectors of files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgbert.features.entity_features import (
    EntityFeatures,
    encode_changed_entities,
    encode_entities,
)
from kgbert.features.vector_files import (
    VectorRow,
    check_finite,
    check_vector_file,
    read_vector_rows,
)
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.reporting.formatting import counted
from kgbert.utils.checksums import file_checksum
from kgbert.utils.errors import DataError, KGBertError, Remedy
from kgbert.utils.paths import without_place
from kgbert.utils.progress import StepCallback

#: The source that encodes the descriptions of the entities with the backbone.
WORDS = "words"
#: Separates the sources in the name and in the hash of an encoder.
_SEPARATOR = " + "
#: Vectors are padded with zeros to a multiple of it, so that attention heads divide their length.
_MULTIPLE = 8
#: Ids that a report lists.
_LISTED = 5

#: The sources of features: words, files of vectors, both, or features that were made before; None
#: stands for words.
Features = str | Path | Sequence[str | Path] | EntityFeatures | None


@dataclass(frozen=True)
class VectorReport:
    """How the vectors of a file fit a graph."""

    path: str
    width: int
    """Length of the vectors."""
    entities: int
    """Number of entities of the graph."""
    matched: int
    """Number of entities with a vector."""
    repeated: int
    """Number of rows with a vector that their entity has already."""
    unknown: int
    """Number of ids of the file that are no entity of the graph."""
    unknown_ids: tuple[str, ...]
    """The first of them."""
    missing_ids: tuple[str, ...]
    """The first entities without a vector."""
    zeros: int = 0
    """Number of entities whose vector is all zeros, as if they had none."""

    def summary(self) -> str:
        """Return what matched and what did not, as lines."""
        lines = [
            f"{self.path}: vectors of length {self.width} for {self.matched:,} of "
            f"{self.entities:,} entities"
        ]
        if missing := self.entities - self.matched:
            count = counted(missing, "entity")
            lines.append(f"  {count} without a vector{_examples(self.missing_ids)}")
        if self.zeros:
            lines.append(f"  {counted(self.zeros, 'entity')} with a vector of zeros")
        if self.unknown:
            count = counted(self.unknown, "id")
            lines.append(f"  {count} without an entity{_examples(self.unknown_ids)}")
        if self.repeated:
            lines.append(f"  {counted(self.repeated, 'row')} with a vector that came before")
        return "\n".join(lines)


def _examples(ids: Sequence[str]) -> str:
    return f" (such as {', '.join(ids)})" if ids else ""


def match_vectors(
    path: str | Path, graph: KnowledgeGraph
) -> tuple[NDArray[np.float32], VectorReport]:
    """Return the vector of each entity in a file, joined by id in any spelling, and a report.

    Entities without a vector get zeros.

    Args:
        path: A file of vectors by id.
        graph: The graph.

    Raises:
        DataError: The file cannot be read, no id is an entity, a vector is not finite, or an
            entity has two different vectors.
    """
    index, path = EntityIdIndex(graph), Path(path)
    spelled: dict[str, int] = {}
    unknown: list[str] = []

    def is_entity(identifier: str) -> bool:
        entity = index.find(identifier)
        if entity is not None:
            spelled[identifier] = graph.index(entity)
        return entity is not None

    rows: dict[int, VectorRow] = {}
    repeated = unknown_count = 0
    for row in read_vector_rows(path, is_entity):
        if row.identifier not in spelled and not is_entity(row.identifier):
            unknown_count += 1
            if len(unknown) < _LISTED:
                unknown.append(row.identifier)
            continue
        vector, place = check_finite(row), spelled[row.identifier]
        if place in rows:
            _check_repeated(rows[place], row, graph.entity_ids[place])
            repeated += 1
        rows.setdefault(place, row._replace(vector=vector))
    if not rows:
        raise DataError(
            f"{path}: none of its {unknown_count:,} ids{_examples(unknown)} is an entity of "
            f"{graph.source or 'the graph'}, whose ids look like "
            f"{', '.join(graph.entity_ids[i] for i in range(min(2, len(graph))))}. Write the "
            "vectors with the ids of the graph.",
            code="no-matching-vectors",
        )
    matrix = np.stack([x.vector for x in rows.values() if x.vector is not None])
    vectors = np.zeros((len(graph), matrix.shape[1]), np.float32)
    vectors[list(rows)] = matrix
    missing = [graph.entity_ids[i] for i in range(len(graph)) if i not in rows][:_LISTED]
    return vectors, VectorReport(
        str(path),
        vectors.shape[1],
        len(graph),
        len(rows),
        repeated,
        unknown_count,
        tuple(unknown),
        tuple(missing),
        int((~matrix.any(axis=1)).sum()),
    )


def _check_repeated(first: VectorRow, second: VectorRow, entity: str) -> None:
    if not np.array_equal(first.vector, second.vector):  # type: ignore[arg-type]  # both are wanted
        raise DataError(
            f"{second.place}: {second.identifier!r} is the entity {entity}, which has another "
            f"vector already ({first.place.rpartition(': ')[2]}, {first.identifier!r}). Keep one "
            "of them.",
            code="duplicate-vectors",
        )


def gather_features(
    graph: KnowledgeGraph,
    backbone: str,
    sources: Features = None,
    *,
    progress: StepCallback | None = None,
) -> tuple[EntityFeatures, tuple[VectorReport, ...]]:
    """Return the features of a graph's entities from one or several sources, and reports of files.

    The vectors of several sources are concatenated, those of words first. Vectors of a file are
    scaled to the length ``sqrt(width)``, as long as those of words.

    Args:
        graph: The graph.
        backbone: The encoder of words.
        sources: ``"words"`` for descriptions that the backbone encodes, a file of vectors, or a
            list of both; features that were made before are returned.
        progress: Called after each encoded batch.

    Raises:
        KGBertError: Features that were made before are those of another graph.
        DataError: A file cannot be read or does not fit the graph, or a source occurs twice.
    """
    if isinstance(sources, EntityFeatures):
        if sources.graph_hash != graph.hash:
            raise KGBertError(
                f"the features are those of another graph ({sources.graph_hash[:12]}; this one is "
                f"{graph.hash[:12]}). Encode the entities of this graph: "
                "kgbert.encode_entities(graph, backbone).",
                code="features-of-another-graph",
            )
        return sources, ()
    names = _source_names(sources)
    if names == [WORDS]:
        return encode_entities(graph, backbone, progress=progress), ()
    # Files are read first, because that is quick and may fail.
    files = _read_files(graph, [name for name in names if name != WORDS])
    words = encode_entities(graph, backbone, progress=progress) if WORDS in names else None
    return _joined(words, files, graph), files.reports


def reads_words(sources: str | Path | Sequence[str | Path]) -> bool:
    """Return whether the descriptions of the entities are among the sources of features."""
    return WORDS in _source_names(sources)


def words_encoder(features: EntityFeatures) -> str:
    """Return the encoder of the words among the sources of features; empty if there is none."""
    is_file = features.encoder_hash.startswith(_FILE)
    return "" if is_file else features.encoder.split(_SEPARATOR)[0]


def without_places(features: EntityFeatures) -> EntityFeatures:
    """Return features whose sources are named without the folders of their paths."""
    names = map(without_place, features.encoder.split(_SEPARATOR))
    return replace(features, encoder=_SEPARATOR.join(names))


def checked_sources(sources: Features) -> str:
    """Return what the encoder hash of features from these sources begins with.

    Raises:
        KGBertError: A source occurs twice, or a file does not exist.
    """
    if isinstance(sources, EntityFeatures):
        return sources.encoder_hash
    files = [name for name in _source_names(sources) if name != WORDS]
    for path in files:
        check_vector_file(Path(path))
    return _FILE if files else ""


def is_words_only(features: EntityFeatures) -> bool:
    """Return whether no vectors of a file are among the features."""
    return _FILE not in features.encoder_hash


def update_features(
    graph: KnowledgeGraph,
    former_graph: KnowledgeGraph,
    former: EntityFeatures,
    *,
    progress: StepCallback | None = None,
) -> tuple[EntityFeatures, int]:
    """Return the features of a graph in the place of another one, and how many were encoded anew.

    Vectors of files are read again from the files.

    Args:
        graph: The new graph.
        former_graph: The graph before.
        former: Its features, of :func:`gather_features`.
        progress: Called after each encoded batch.

    Raises:
        KGBertError: A file or the encoder is missing or has changed.
    """
    hashes = former.encoder_hash.split(_SEPARATOR)
    names = former.encoder.split(_SEPARATOR)
    files = [name for name, each in zip(names, hashes, strict=False) if each.startswith(_FILE)]
    if not files:
        return encode_changed_entities(graph, former_graph, former, progress=progress)
    if missing := [name for name in files if not Path(name).is_file()]:
        raise KGBertError(
            f"the features of this model come from {missing[0]}, which is missing, so that another "
            "graph has no vectors. Restore the file.",
            code="missing-feature-file",
            remedies=[Remedy("features", purpose="with the vectors of the entities")],
        )
    read = _read_files(graph, files)
    words, anew = None, read.reports[0].matched
    if len(files) < len(names):
        width = former.vectors.shape[1] - read.vectors.shape[1]
        before = replace(
            former, vectors=former.vectors[:, :width], encoder=names[0], encoder_hash=hashes[0]
        )
        words, anew = encode_changed_entities(graph, former_graph, before, progress=progress)
    features = _joined(words, read, graph)
    if features.encoder_hash != former.encoder_hash:
        raise KGBertError(
            f"{', '.join(files)} changed since the training, so that the vectors would mean "
            "something else. Restore the file.",
            code="changed-feature-file",
        )
    return features, anew


#: Begins the hash of a file of vectors.
_FILE = "file:"


def _source_names(sources: str | Path | Sequence[str | Path] | None) -> list[str]:
    if sources is None:
        return [WORDS]
    given = sources.split(",") if isinstance(sources, str) else sources
    names = [str(each).strip() for each in ([given] if isinstance(given, Path) else given)]
    if not names or len(set(names)) < len(names) or not all(names):
        raise DataError(
            f"the features {', '.join(names) or '(none)'} name no source, or one of them twice. "
            "Name each once: words, and files of vectors.",
            code="repeated-feature-source",
        )
    return names


@dataclass(frozen=True)
class _FileVectors:
    """The vectors of files side by side."""

    vectors: NDArray[np.float16]
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    reports: tuple[VectorReport, ...]


def _read_files(graph: KnowledgeGraph, files: Sequence[str]) -> _FileVectors:
    pairs = [match_vectors(path, graph) for path in files]
    return _FileVectors(
        np.concatenate([_scaled(vectors) for vectors, _ in pairs], axis=1),
        tuple(str(Path(path).absolute()) for path in files),
        tuple(_FILE + file_checksum(Path(path)) for path in files),
        tuple(report for _, report in pairs),
    )


def _joined(
    words: EntityFeatures | None, files: _FileVectors, graph: KnowledgeGraph
) -> EntityFeatures:
    """Return the features of words, if any, and of files side by side."""
    first = [] if words is None else [words]
    return EntityFeatures(
        np.concatenate([*(each.vectors for each in first), files.vectors], axis=1),
        _SEPARATOR.join([*(each.encoder for each in first), *files.names]),
        _SEPARATOR.join([*(each.encoder_hash for each in first), *files.hashes]),
        graph.hash,
    )


def _scaled(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return vectors of the length sqrt(width), padded with zeros; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1) * vectors.shape[1] ** 0.5
    padded = np.zeros((len(unit), -(-unit.shape[1] // _MULTIPLE) * _MULTIPLE), np.float16)
    padded[:, : unit.shape[1]] = unit
    return padded
