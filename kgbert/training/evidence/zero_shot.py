"""Predict labels without training texts: the entities of the labels describe them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from kgbert.features.entity_features import unread_features
from kgbert.features.label_sets import LabelSets, encode_comparable
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.label_hierarchy import LabelHierarchy
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import Grounding, ground, read_label_entities
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.models.heads.label_vectors import INITIAL_SCALE
from kgbert.tasks.base import Task
from kgbert.tasks.registry import find_task
from kgbert.training.config import TrainingConfig
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainingInputs, build_model
from kgbert.utils.errors import DataError, KGBertError, Remedy
from kgbert.utils.logging import silenced_transformers

logger = logging.getLogger(__name__)

#: Scale of the label scores below which the training hardly compared texts with labels.
SMALLEST_SCALE = 1.0

#: Labels, or the entity of each label, or a file of them.
Labels = Iterable[str] | Mapping[str, str] | str | Path


@silenced_transformers()
def zero_shot(
    graph: KnowledgeGraph,
    labels: Labels,
    *,
    backbone: str,
    task: str | Task = "text-classification",
) -> KGBertPipeline:
    """Return a pipeline that predicts the labels of texts without any training.

    A text gets the label whose entity has the most similar name, synonym, definition or descendant.

    Args:
        graph: The graph.
        labels: Ids or names of entities; or a mapping, or a file with the columns label and entity,
            that names the entity of each label.
        backbone: Hub name or folder of the encoder. A sentence encoder suits best.
        task: A task with labels of whole texts.

    Raises:
        KGBertError: A label is no entity of the graph.
    """
    grounding = _grounded(graph, labels)
    found_task = find_task(task).declaring(each.label for each in grounding.labels)
    found_task = found_task.grounded(LabelHierarchy(graph, grounding.entities), untrained=())
    # Untrained injections would change nothing, so that there are none.
    features = unread_features(graph, backbone)
    linker = make_linker(graph, "dictionary")
    inputs = TrainingInputs(found_task, graph, features, linker, backbone, grounding=grounding)
    model, processor = build_model(
        inputs, [], TrainingConfig(), seed=0, options={"injected_layers": []}
    )
    sets = processor.label_sets
    assert sets is not None
    return KGBertPipeline(_with_labels(model, sets, kept=()), processor, found_task)


def replace_labels(pipeline: KGBertPipeline, labels: Labels) -> KGBertPipeline:
    """Return a pipeline for other labels; see :meth:`KGBertPipeline.with_labels`."""
    before = pipeline.processor.label_sets
    if before is None or pipeline.model.label_queries != "text":
        raise KGBertError(
            "this model does not compare texts with the entities of its labels, so that it can "
            "predict no other labels. Train it with grounded labels.",
            code="labels-not-grounded",
            remedies=[Remedy("ground", "labels")],
        )
    graph = pipeline.processor.graph
    grounding = _grounded(graph, labels)
    entities = {each.label: each.entity for each in grounding.labels}
    sets = encode_comparable(before, graph, entities)
    processor = copy(pipeline.processor)
    processor.use_label_sets(sets)
    if processor.paths is not None:
        processor.use_paths(replace(processor.paths, labels=sets.entities))
    trained = [x for x in before.labels if x not in pipeline.model.config.untrained_labels]
    model = _with_labels(pipeline.model, sets, kept=trained)
    hierarchy = LabelHierarchy(graph, grounding.entities)
    untrained = model.config.untrained_labels
    task = pipeline.task.declaring(sets.labels).grounded(hierarchy, untrained)
    return KGBertPipeline(model, processor, task, bf16=pipeline.bf16)


def _grounded(graph: KnowledgeGraph, labels: Labels) -> Grounding:
    """Return labels with their entities.

    Raises:
        DataError: There are fewer than two labels, or a label is no entity.
    """
    mapping = None
    if isinstance(labels, Mapping | str | Path):
        mapping = read_label_entities(labels)
        labels = mapping
    grounding = ground(labels, graph, mapping=mapping)
    if len(grounding.labels) < 2:
        raise DataError(
            f"{len(grounding.labels)} labels leave nothing to choose; give two or more.",
            code="too-few-labels",
        )
    if grounding.without_entity():
        raise DataError(
            f"{grounding.summary(graph)}\nCorrect these labels, or name the entity of each label "
            "in a mapping or a file with the columns label and entity.",
            code="label-without-entity",
        )
    return grounding


def _with_labels(
    model: KGBertPreTrainedModel, sets: LabelSets, kept: Sequence[str]
) -> KGBertPreTrainedModel:
    """Return a copy of a model with other labels.

    Args:
        model: A model that compares texts with the entities of its labels.
        sets: The label vectors of the new labels.
        kept: The labels whose trained weights are kept; those of others are zero.
    """
    config = cast(Any, deepcopy(model.config))
    before = config.labels
    for part in (config, config.backbone):
        part.id2label = dict(enumerate(sets.labels))
        part.label2id = {label: place for place, label in enumerate(sets.labels)}
    config.untrained_labels = [label for label in sets.labels if label not in kept]
    fresh = type(model)(config)
    places = {label: place for place, label in enumerate(before)}
    trained = set(kept)
    weights = cast(dict[str, Tensor], dict(model.state_dict()))
    for name, tensor in cast(dict[str, Tensor], fresh.state_dict()).items():
        # Mentions of labels that no training text has are learnt as well.
        is_mentions = name == "path_scorer.mention_weight"
        if is_mentions or name.rpartition(".")[0] == fresh.output_layer:
            rows = torch.zeros_like(tensor)
            for new, label in enumerate(sets.labels):
                if label in places and (is_mentions or label in trained):
                    rows[new] = weights[name][places[label]]
            weights[name] = rows
    fresh.load_state_dict(weights)
    cast(nn.Module, fresh).to(device=model.device, dtype=model.dtype)
    fresh.use_label_sets(sets)
    reads_mentions = fresh.path_scorer is not None and fresh.answers_several_labels
    is_compared = fresh.label_scorer.scale >= SMALLEST_SCALE
    if config.untrained_labels and not is_compared and not reads_mentions:
        logger.warning(
            "the descriptions of the labels did not tell the training texts apart, so the model "
            "hardly compares them; new labels are compared as without training"
        )
        nn.init.constant_(fresh.label_scorer.scale, INITIAL_SCALE)
        fresh.label_scorer.initialize_offset(sets)
    fresh.eval()
    return fresh
