"""Find the entity of a graph that each label of a task stands for.

The classes of a task are often entities of the user's graph: diagnoses with ICD codes, techniques,
subject headings, types. Ambiguous and missing labels are reported with their candidates.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.graph.entity_texts import KINDS, readable
from kgbert.linking.dictionary.linker import DictionaryLinker
from kgbert.linking.mention import Candidate, Linker
from kgbert.utils.errors import DataError, MissingFileError

#: Candidates that are listed for a label without an entity of its own.
MAX_CANDIDATES = 3

#: From this share of grounded labels on, texts are compared with them unless the user decides.
RECOMMENDED_SHARE = 0.5


@dataclass(frozen=True)
class GroundedLabel:
    """One label, and its entity in the graph if there is exactly one."""

    label: str
    entity: str | None
    """Entity id; None where no entity or more than one fits."""
    method: str
    """``mapping``, ``id`` or ``name``; without an entity, ``ambiguous`` or ``missing``."""
    candidates: tuple[Candidate, ...] = ()
    """The best entities of an ambiguous label."""


@dataclass(frozen=True)
class Grounding:
    """The labels of a task with their entities, in the order of the labels."""

    labels: tuple[GroundedLabel, ...]
    kinds: tuple[str, ...] = KINDS
    """The kinds of texts that the graph gives for each entity."""

    @cached_property
    def entities(self) -> dict[str, str]:
        """The entity id of each grounded label."""
        return {each.label: each.entity for each in self.labels if each.entity is not None}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of labels, entities and kinds."""
        content = json.dumps([[(x.label, x.entity) for x in self.labels], self.kinds])
        return hashlib.sha256(content.encode()).hexdigest()

    def names_only(self) -> "Grounding":
        """Return the labels without entities, so that each is described by its own words."""
        return Grounding(tuple(GroundedLabel(x.label, None, "missing") for x in self.labels))

    def permuted(self, seed: int) -> "Grounding":
        """Return the labels with the entities of other labels, by one random cycle."""
        order = np.random.default_rng([seed, 0x1ABE1]).permutation(len(self.labels))
        entities = dict(zip(order, np.roll(order, 1), strict=True))
        return replace(
            self,
            labels=tuple(
                replace(each, entity=self.labels[entities[place]].entity)
                for place, each in enumerate(self.labels)
            ),
        )

    @property
    def share(self) -> float:
        """The share of labels with an entity, from 0 to 1."""
        return len(self.entities) / len(self.labels) if self.labels else 0.0

    @property
    def is_recommended(self) -> bool:
        """Whether enough labels have an entity to compare texts with them by default."""
        return self.share >= RECOMMENDED_SHARE

    def without_entity(self) -> tuple[GroundedLabel, ...]:
        """Return the labels that have no entity, with their candidates."""
        return tuple(each for each in self.labels if each.entity is None)

    def summary(self, graph: KnowledgeGraph, *, most: int = 10) -> str:
        """Return the number of grounded labels by match, and the first others, as lines."""
        methods = [each.method for each in self.labels]
        counts = ", ".join(
            f"{methods.count(name)} by {name}" for name in MATCHERS if name in methods
        )
        lines = [f"{len(self.entities)} of {len(self.labels)} labels are entities of the graph"]
        if counts:
            lines[0] += f" ({counts})"
        missing = self.without_entity()
        for each in missing[:most]:
            near = ", ".join(
                f"{graph.name(graph.index(x.entity))} ({x.entity})" for x in each.candidates
            )
            lines.append(
                f"  {each.label}: {each.method}" + (f"; candidates: {near}" if near else "")
            )
        if len(missing) > most:
            lines.append(f"  ... and {len(missing) - most} more")
        return "\n".join(lines)


def ground(
    labels: Iterable[str],
    graph: KnowledgeGraph,
    *,
    mapping: Mapping[str, str] | str | Path | None = None,
    linker: Linker | None = None,
) -> Grounding:
    """Find the entity of each label, by a mapping, by id or by name.

    Args:
        labels: The labels, each once.
        graph: Where the entities are.
        mapping: Entity id by label, as a mapping or as a CSV or TSV file with the columns
            ``label`` and ``entity``. It takes precedence.
        linker: Finds names in texts; None means a dictionary linker.

    Raises:
        DataError: The mapping names an entity that the graph does not have.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for entity, name in (("D:1", "Gout"), ("D:2", "Lung diseases"), ("D:3", "Cold"),
    ...                      ("D:4", "Cold")):
    ...     builder.add_name(entity, name)
    >>> for each in ground(["D:1", "lung disease", "cold", "war"], builder.build()).labels:
    ...     print(each.label, each.entity, each.method)
    D:1 D:1 id
    lung disease D:2 name
    cold None ambiguous
    war None missing
    """
    wanted = list(dict.fromkeys(labels))
    mapped = _checked(read_label_entities(mapping) if mapping is not None else {}, graph)
    ids = EntityIdIndex(graph)
    grounded = {label: GroundedLabel(label, mapped[label], "mapping") for label in mapped}
    for label in wanted:
        if label not in mapped and (entity := ids.find(label)) is not None:
            grounded[label] = GroundedLabel(label, entity, "id")
    # The names of a large graph take long to index, and are needed for the other labels only.
    if others := [label for label in wanted if label not in grounded]:
        named = _named(others, graph, DictionaryLinker(graph) if linker is None else linker)
        grounded |= {label: _by_name(label, x) for label, x in zip(others, named, strict=True)}
    return Grounding(tuple(grounded[label] for label in wanted))


def _named(
    labels: Sequence[str], graph: KnowledgeGraph, linker: Linker
) -> Iterator[tuple[Candidate, ...]]:
    """Yield the entities that have a label as a whole for a name, the best first."""
    # Some labels are identifiers: "lung_disease", "LungDisease".
    texts = [readable(label) for label in labels]
    for text, mentions in zip(texts, linker(texts), strict=True):
        whole = [
            candidate
            for mention in mentions
            if not text[: mention.start].strip() and not text[mention.end :].strip()
            for candidate in mention.candidates
            if candidate.entity in graph
        ]
        yield tuple(sorted(whole, key=lambda candidate: -candidate.score))


def _by_name(label: str, candidates: Sequence[Candidate]) -> GroundedLabel:
    if not candidates:
        return GroundedLabel(label, None, "missing")
    best = [each for each in candidates if each.score == candidates[0].score]
    if len({each.entity for each in best}) > 1:
        return GroundedLabel(label, None, "ambiguous", tuple(candidates[:MAX_CANDIDATES]))
    return GroundedLabel(label, best[0].entity, "name")


def _checked(mapping: Mapping[str, str], graph: KnowledgeGraph) -> dict[str, str]:
    """Return the mapping with current ids, or raise DataError for an entity that is not there."""
    checked = {}
    for label, entity in mapping.items():
        try:
            checked[label] = graph.entity_ids[graph.index(entity)]
        except KeyError as error:
            raise DataError(
                f"the mapping states that the label {label!r} is {entity!r}, which "
                f"{graph.source or 'the graph'} does not have (it has for example "
                f"{graph.entity_ids[0] if len(graph) else 'no entity'!r}); correct the id.",
                code="label-mapping-unknown-entity",
            ) from error
    return checked


def read_label_entities(mapping: Mapping[str, str] | str | Path) -> Mapping[str, str]:
    """Return the entity id by label; a file is a table with the columns label and entity.

    Raises:
        DataError: The file is missing or lacks a column.
    """
    if isinstance(mapping, Mapping):
        return mapping
    path = Path(mapping)
    if not path.is_file():
        raise MissingFileError(
            f"{path}: no such file of labels and entities; check the path.",
            code="label-mapping-missing-file",
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        if not {"label", "entity"} <= set(rows.fieldnames or ()):
            raise DataError(
                f"{path}: a file of labels needs the columns 'label' and 'entity'; found "
                f"{', '.join(map(repr, rows.fieldnames or ())) or 'none'}. Rename its columns.",
                code="label-mapping-columns",
            )
        return {row["label"]: row["entity"] for row in rows if row["label"] and row["entity"]}


#: How a label may be matched, in the order in which it is tried.
MATCHERS: tuple[str, ...] = ("mapping", "id", "name")
