"""Ground the labels of a task before training."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.grounding import Grounding, ground, read_label_entities
from kgbert.tasks.base import Task
from kgbert.utils.errors import DataError

logger = logging.getLogger(__name__)


def declare_grounded(task: Task, entities: bool | Mapping[str, str] | str | Path) -> Task:
    """Return the task with the labels of a mapping declared, so that they need no training text.

    Args:
        task: The task.
        entities: The entity id by label, a file of them, or True for none.
    """
    return task if entities is True or not entities else task.declaring(_mapping(entities) or ())


def ground_task(
    task: Task,
    train: Sequence[Example],
    graph: KnowledgeGraph,
    entities: bool | Mapping[str, str] | str | Path = True,
) -> Grounding:
    """Return the entities of the labels of a task, and log the labels that have none.

    Args:
        task: The task.
        train: The training texts, which have the labels.
        graph: The graph.
        entities: The entity id by label, a file of them, or True if ids or names of the graph
            are the labels.

    Raises:
        DataError: No label is an entity of the graph.
    """
    names = map(task.class_name, task.label_space(train).labels)
    grounding = ground([name for name in names if name], graph, mapping=_mapping(entities))
    if not grounding.entities:
        shown = ", ".join(repr(each.label) for each in grounding.labels[:3])
        raise DataError(
            f"none of the {len(grounding.labels):,} labels ({shown}, ...) is an id or a name of an "
            f"entity of {graph.source or 'the graph'}. Name the entities in a file with the "
            "columns label and entity, or train without grounding.",
            code="no-grounded-label",
        )
    log = logger.warning if grounding.without_entity() else logger.info
    log("%s", grounding.summary(graph))
    return grounding


def _mapping(entities: bool | Mapping[str, str] | str | Path) -> Mapping[str, str] | None:
    return None if isinstance(entities, bool) else read_label_entities(entities)
