"""Answer by another graph, or by an edited one, without training."""

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from kgbert.encoding.paths.features import PathFeatures
from kgbert.encoding.paths.finder import PathFinder
from kgbert.encoding.paths.mentions import PLACES, MentionFeatures
from kgbert.encoding.processor import KGBertProcessor
from kgbert.encoding.sampling_map import SamplingMap
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.feature_sources import (
    Features,
    gather_features,
    reads_words,
    update_features,
    words_encoder,
)
from kgbert.features.label_sets import LabelSets, encode_comparable
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.id_index import EntityIdIndex
from kgbert.graph.core.identifiers import relation_name
from kgbert.graph.core.label_hierarchy import LabelHierarchy
from kgbert.graph.core.relation_mapping import MappedRelation, map_relations
from kgbert.linking.factory import linker_from_settings, linker_settings, share_features
from kgbert.linking.grounding import GroundedLabel, Grounding, ground
from kgbert.linking.mention import Linker
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.precompute import StalenessCheck
from kgbert.reporting.formatting import counted
from kgbert.tasks.base import Task
from kgbert.utils.errors import GraphError, KGBertError, Remedy
from kgbert.utils.logging import silenced_transformers

logger = logging.getLogger(__name__)

#: Relations and labels that a summary lists.
_LISTED = 10


@dataclass(frozen=True)
class GraphTransfer:
    """What a model keeps, and what it loses, when it answers by another graph."""

    former: str
    """Source of the graph before."""
    graph: str
    """Source of the new graph."""
    entities: int
    """Number of entities of the new graph."""
    encoded: int
    """Number of entities whose features were encoded anew."""
    relations: tuple[MappedRelation, ...] = ()
    """The relations of the new graph; none for a model that reads no edges."""
    labels: tuple[GroundedLabel, ...] = ()
    """The labels with their entities in the new graph; none if labels are not grounded."""

    @property
    def unknown_relations(self) -> tuple[MappedRelation, ...]:
        """The relations whose edges the model does not read."""
        return tuple(each for each in self.relations if each.model_relation is None)

    @property
    def lost_labels(self) -> tuple[GroundedLabel, ...]:
        """The labels without an entity in the new graph."""
        return tuple(each for each in self.labels if each.entity is None)

    def card_rows(self) -> dict[str, str]:
        """Return rows of the model card."""
        rows = {"Graph of the training": f"{self.former or 'in memory'}, replaced without training"}
        if unknown := self.unknown_relations:
            rows["Relations not read"] = ", ".join(x.relation for x in unknown[:_LISTED])
        return rows

    def summary(self) -> str:
        """Return what was mapped and what was lost, as lines."""
        lines = [
            f"answers by {self.graph or 'another graph'} ({counted(self.entities, 'entity')}, "
            f"{self.encoded:,} encoded anew) instead of {self.former or 'the graph before'}"
        ]
        if self.relations:
            unknown = self.unknown_relations
            edges = sum(each.edges for each in self.relations)
            lost = sum(each.edges for each in unknown)
            lines.append(
                f"relations: the model knows {len(self.relations) - len(unknown)} of "
                f"{len(self.relations)}{_methods([x.method for x in self.relations])}; "
                f"{lost:,} of {edges:,} edges are not read"
            )
            lines += _listed([each.line() for each in unknown])
        if self.labels:
            lines.append(
                f"labels: {len(self.labels) - len(self.lost_labels)} of {len(self.labels)} are "
                f"entities{_methods([x.method for x in self.labels])}"
            )
            lines += _listed([f"{each.label}: {each.method}" for each in self.lost_labels])
        return "\n".join(lines)


def _methods(methods: list[str]) -> str:
    counts = [
        f"{methods.count(each)} by {each}"
        for each in dict.fromkeys(methods)
        if each not in ("missing", "ambiguous")
    ]
    return f" ({', '.join(counts)})" if counts else ""


def _listed(items: list[str]) -> list[str]:
    more = [f"  ... and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
    return [f"  {item}" for item in items[:_LISTED]] + more


@silenced_transformers()
def transfer_model(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    task: Task,
    graph: KnowledgeGraph,
    *,
    linker: Linker | None = None,
    features: Features = None,
    relation_mapping: Mapping[str, str] | None = None,
) -> tuple[KGBertPreTrainedModel, KGBertProcessor, GraphTransfer]:
    """Return a model and a processor that read another graph, and what was lost.

    The weights are shared with the given model, not copied.

    Args:
        model: The model.
        processor: Its processor.
        task: Its task.
        graph: The new graph.
        linker: Links texts to it; None means one with the settings of the processor's linker.
        features: One vector an entity from the encoder of the model's features, or its sources as
            for :func:`kgbert.train`; None means that changed entities are encoded.
        relation_mapping: As for :func:`kgbert.graph.core.relation_mapping.map_relations`.

    Raises:
        KGBertError: The model knows none of the relations of the graph, its encoder of entities is
            missing, or linker or features do not fit.
    """
    relations = _mapped_relations(model, processor, graph, relation_mapping)
    numbers = {relation: place for place, relation in enumerate(model.config.relations)}
    mapping = SamplingMap.between(
        graph,
        processor.graph,
        None if processor.sampler.mapping is None else processor.sampler.mapping.keys,
        [numbers.get(each.model_relation or "", -1) for each in relations],
        len(numbers),
    )
    vectors, encoded = _new_features(model, processor, graph, features)
    linker = linker or linker_for(graph, processor.linker)
    share_features(vectors, linker)
    fresh = processor.with_graph(graph, vectors, linker, mapping)
    clone = _with_hash(model, graph)
    labels: tuple[GroundedLabel, ...] = ()
    if processor.label_sets is not None:
        labels = _use_new_labels(clone, fresh, processor, task)
    if processor.paths is not None:
        known = _known_names(model, processor, processor.paths.finder.relation_names)
        paths = _transferred_paths(processor.paths, fresh, relations, known)
        _warn_missing_classes(paths)
        fresh.use_paths(paths)
    if processor.vectors is not None:
        fresh.use_vectors(clone.precompute(fresh))
    read = relations if _reads_edges(model) else ()
    report = GraphTransfer(processor.graph.source, graph.source, len(graph), encoded, read, labels)
    (logger.warning if report.unknown_relations or report.lost_labels else logger.info)(
        report.summary()
    )
    return clone, fresh, report


def _use_new_labels(
    model: KGBertPreTrainedModel, fresh: KGBertProcessor, former: KGBertProcessor, task: Task
) -> tuple[GroundedLabel, ...]:
    """Set the label vectors of a new graph, and return the labels with their entities."""
    grounding = _ground_again(former, fresh.graph, task)
    sets = _label_sets(cast(LabelSets, former.label_sets), fresh.graph, grounding, task)
    fresh.use_label_sets(sets)
    # The label vectors are buffers of the scorer, which is shared otherwise.
    model.label_scorer = copy(model.label_scorer)
    model.label_scorer._buffers = model.label_scorer._buffers.copy()
    model.use_label_sets(sets)
    return grounding.labels


def _transferred_paths(
    paths: PathFeatures,
    fresh: KGBertProcessor,
    relations: Sequence[MappedRelation],
    names: Mapping[str, str],
) -> PathFeatures:
    """Return the features that count the same types of path in a new graph.

    Args:
        paths: The features for the graph before.
        fresh: The processor of the new graph.
        relations: The relations of the new graph.
        names: The name of each relation of the model in the types of path.
    """
    former, graph = paths.finder, fresh.graph
    finder = PathFinder(
        graph,
        steps=former.steps,
        max_fan_out=former.max_fan_out,
        # A relation that the model does not know has a name of no known type of path.
        relation_names=[
            names.get(x.model_relation or "", f"{x.relation} (new)") for x in relations
        ],
    )
    index = EntityIdIndex(graph)
    labels = [index.find(entity) or "" if entity else "" for entity in paths.labels]
    if fresh.label_sets is not None:
        labels = list(fresh.label_sets.entities)
    return replace(paths, finder=finder, labels=tuple(labels))


def _warn_missing_classes(paths: PathFeatures) -> None:
    """Warn of the entities whose mentions a model has weights for, and that a graph lacks."""
    if not isinstance(paths, MentionFeatures) or not (missing := paths.missing):
        return
    logger.warning(
        "the graph lacks %s of the %s entities that mentions are evidence for (the first: %s), so "
        "that only the others and the mention itself count for the tags of words",
        f"{len(missing):,}",
        f"{len(paths.types) // len(PLACES):,}",
        missing[0],
    )


def _reads_entities(model: KGBertPreTrainedModel) -> bool:
    return bool(model.injections) or model.scores_entities


def _reads_edges(model: KGBertPreTrainedModel) -> bool:
    """Return whether a graph encoder or a path scorer of the model has weights for relations."""
    encodes_edges = hasattr(model, "graph_encoder") and bool(model.config.reads_edges)
    return encodes_edges or model.path_scorer is not None


def carry_over(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, graph: KnowledgeGraph
) -> tuple[EntityFeatures, tuple[MappedRelation, ...]]:
    """Return what another graph needs before a model is trained further with it.

    Args:
        model: The model.
        processor: Its processor.
        graph: The other graph, which may have other relations only.

    Returns:
        One vector an entity, from the encoder of the model's features, and the relation of the
        model for each relation of the graph.
    """
    known = _known_names(model, processor, processor.graph.relation_names)
    features, _ = _new_features(model, processor, graph, None)
    return features, map_relations(graph, known)


def _mapped_relations(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    graph: KnowledgeGraph,
    relation_mapping: Mapping[str, str] | None,
) -> tuple[MappedRelation, ...]:
    """Return the model's relation of each relation of the graph.

    Raises:
        GraphError: The model reads edges, and knows no relation of the graph.
    """
    known = _known_names(model, processor, processor.graph.relation_names)
    mapped = map_relations(graph, known, relation_mapping)
    lost = mapped and all(each.model_relation is None for each in mapped)
    if lost and known and _reads_edges(model) and relation_mapping is None:
        raise GraphError(
            f"the model knows no relation of {graph.source or 'the graph'}, which has "
            f"{_shortened([each.relation for each in mapped])}, so that it would read no edge; it "
            f"knows {_shortened(list(known))}. Name the relations that mean the same, or map none "
            "to read names and definitions only.",
            code="no-known-relation",
            remedies=[
                Remedy("relation_mapping", {mapped[0].relation: next(iter(known))}),
                Remedy("relation_mapping", {}, "to read no edges"),
            ],
        )
    return mapped


def _known_names(
    model: KGBertPreTrainedModel, processor: KGBertProcessor, names: Sequence[str]
) -> dict[str, str]:
    """Return the name of each relation that the model knows, by its id in the model.

    Args:
        model: The model.
        processor: Its processor, whose graph need not be that of the training.
        names: The names of the relations of this graph.
    """
    relations, mapping = model.config.relations, processor.sampler.mapping
    numbers = range(len(relations)) if mapping is None else mapping.relations.tolist()
    # The first relation of the graph that is mapped to a relation of the model names it.
    present: dict[str, str] = {}
    for number, name in zip(numbers, names, strict=False):
        if number >= 0:
            present.setdefault(relations[number], name)
    return {each: present.get(each, relation_name(each)) for each in relations}


def _shortened(relations: list[str], most: int = 5) -> str:
    return ", ".join(relations[:most]) + (", ..." if len(relations) > most else "")


def _new_features(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    graph: KnowledgeGraph,
    given: Features,
) -> tuple[EntityFeatures, int]:
    """Return the features of a new graph, and how many entities were encoded anew."""
    former = processor.features
    if given is not None:
        encoder = words_encoder(former)
        if not encoder and not isinstance(given, EntityFeatures) and reads_words(given):
            raise _other_features("those that are given are words", former)
        features, _ = gather_features(graph, encoder, given)
        _check_features(features, former)
        return features, len(graph)
    if _reads_entities(model):
        return update_features(graph, processor.graph, former)
    vectors = np.zeros((len(graph), former.vectors.shape[1]), np.float16)
    return EntityFeatures(vectors, former.encoder, former.encoder_hash, graph.hash), 0


def _check_features(features: EntityFeatures, former: EntityFeatures) -> None:
    if features.encoder_hash != former.encoder_hash:
        origin = f"those that are given come from {features.encoder} ({features.encoder_hash[:12]})"
        raise _other_features(origin, former)


def _other_features(given: str, former: EntityFeatures) -> KGBertError:
    return KGBertError(
        f"the features of the model come from {former.encoder} ({former.encoder_hash[:12]}), but "
        f"{given}, so that their dimensions would mean something else. Give those of the same "
        "source.",
        code="other-feature-encoder",
    )


def linker_for(graph: KnowledgeGraph, linker: Linker) -> Linker:
    """Return a linker with the settings of another one, for another graph.

    Raises:
        KGBertError: The linker has no settings.
    """
    return linker_from_settings(graph, transferable_settings(linker))


def transferable_settings(linker: Linker) -> list[dict[str, Any]]:
    """Return the settings with which the same linker can be made for another graph.

    Raises:
        KGBertError: The linker has no settings.
    """
    try:
        return linker_settings(linker)
    except KGBertError as error:
        if error.code != "linker-not-saveable":
            raise
        raise KGBertError(
            "the linker of this model has no settings, so that the same linker cannot be made for "
            "another graph.",
            code="linker-not-transferable",
            remedies=[Remedy("linker", purpose="with a linker for the new graph")],
        ) from error


def _with_hash(model: KGBertPreTrainedModel, graph: KnowledgeGraph) -> KGBertPreTrainedModel:
    """Return a model that shares its modules with another one, and reads another graph."""
    clone = copy(model)
    clone._modules = clone._modules.copy()
    clone.config = copy(model.config)
    clone.config.graph_hash = graph.hash
    clone.staleness_check = StalenessCheck()
    clone.processor = None
    return clone


def _ground_again(processor: KGBertProcessor, graph: KnowledgeGraph, task: Task) -> Grounding:
    """Return the entity of each class in the new graph.

    It is the entity with the former id in any spelling, else the one that the label names, else
    the one that the former entity's name names.
    """
    sets, former = cast(LabelSets, processor.label_sets), processor.graph
    entities = {
        name: entity
        for label, entity in zip(sets.labels, sets.entities, strict=True)
        if (name := task.class_name(label))
    }
    index = EntityIdIndex(graph)
    former_ids = {name: entity for name, entity in entities.items() if entity}
    kept = {name: id_ for name, entity in former_ids.items() if (id_ := index.find(entity))}
    found = {each.label: each for each in ground(entities, graph, mapping=kept).labels}
    names = {
        former.name(former.index(entities[name])): name
        for name, each in found.items()
        if each.entity is None and entities[name]
    }
    for each in ground(names, graph).labels:
        if each.entity is not None:
            label = names[each.label]
            found[label] = GroundedLabel(label, each.entity, each.method)
    return Grounding(
        tuple(
            GroundedLabel(x.label, x.entity, "id", x.candidates) if x.label in kept else x
            for x in found.values()
        )
    )


def regrounded(task: Task, processor: KGBertProcessor) -> Task:
    """Return a task that scores the distances of labels in the graph of a processor."""
    sets = processor.label_sets
    if task.label_hierarchy is None or sets is None:
        return task
    entities = dict(zip(sets.labels, sets.entities, strict=True))
    return task.grounded(LabelHierarchy(processor.graph, entities), task.untrained_labels)


def _label_sets(
    former: LabelSets, graph: KnowledgeGraph, grounding: Grounding, task: Task
) -> LabelSets:
    labels = {each.label: each.entity for each in grounding.labels}
    sets = encode_comparable(former, graph, labels)
    return sets.spread({label: task.class_name(label) for label in former.labels})
