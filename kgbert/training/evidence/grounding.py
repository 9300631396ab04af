"""Ground the labels of a task before training."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgbert.data import Example
from kgbert.encoding.paths.finder import check_steps
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.grounding import Grounding, ground, read_label_entities
from kgbert.tasks.base import Task
from kgbert.tasks.pairs import are_pairs
from kgbert.tasks.registry import AUTO
from kgbert.utils.errors import DataError, Remedy
from kgbert.utils.progress import LOG_REPORTER, Reporter

logger = logging.getLogger(__name__)


#: Labels are grounded by ids and names.
LABELS = "labels"

#: How labels are grounded: ``"auto"`` by ids and names if at least half of them are entities,
#: :data:`LABELS` in any case, a mapping or a file of their entities; None for not.
Ground = str | Path | Mapping[str, str] | None


def read_ground(ground_by: Ground) -> str | Mapping[str, str] | None:
    """Return how labels are grounded, with the mapping of a file instead of its path.

    Raises:
        DataError: The file is missing or lacks a column.
    """
    if ground_by is None or isinstance(ground_by, Mapping):
        return ground_by
    return str(ground_by) if ground_by in (LABELS, AUTO) else read_label_entities(ground_by)


def declared_labels(ground_by: str | Mapping[str, str] | None) -> tuple[str, ...]:
    """Return the labels of a mapping, which need no training text."""
    return tuple(ground_by) if isinstance(ground_by, Mapping) else ()


def ground_task(
    task: Task,
    train: Sequence[Example],
    graph: KnowledgeGraph,
    ground_by: str | Mapping[str, str] | None,
    reporter: Reporter = LOG_REPORTER,
) -> Grounding | None:
    """Return the entities of the labels of a task, and warn of the labels that have none.

    Args:
        task: The task.
        train: The training texts, which have the labels.
        graph: The graph.
        ground_by: The entity id by label, ``"labels"`` if the labels are ids or names of the
            graph, or ``"auto"`` if at least half of them are; None for no grounding.
        reporter: Shows how many labels are entities.

    Raises:
        DataError: No label is an entity of the graph, or the task has no labels, unless it is
            ``"auto"``.
    """
    if ground_by is None:
        return None
    if ground_by == AUTO:
        return _recommended(task, train, graph, reporter)
    if not _is_groundable(task, train):
        raise DataError(
            f"the labels of {task.name} cannot be compared with entities. Do not ground "
            "them, or choose text, multi-label or token classification.",
            code="task-not-groundable",
        )
    mapping = ground_by if isinstance(ground_by, Mapping) else None
    grounding = ground(_class_names(task, train), graph, mapping=mapping)
    if not grounding.entities:
        shown = ", ".join(repr(each.label) for each in grounding.labels[:3])
        raise DataError(
            f"none of the {len(grounding.labels):,} labels ({shown}, ...) is an id or a name of an "
            f"entity of {graph.source or 'the graph'}, so that no text can be compared with them. "
            "Name the entities in a file with the columns label and entity, or do not ground the "
            "labels.",
            code="no-grounded-label",
        )
    report = logger.warning if grounding.without_entity() else reporter.message
    report(grounding.summary(graph))
    return grounding


def _recommended(
    task: Task, train: Sequence[Example], graph: KnowledgeGraph, reporter: Reporter
) -> Grounding | None:
    """Return the entities of the labels, or None if too few labels have one."""
    if task.model_class.label_queries != "text" or not _is_groundable(task, train):
        return None
    grounding = ground(_class_names(task, train), graph)
    if not grounding.is_recommended:
        return None
    reporter.message(f"{grounding.summary(graph)}\neach text is compared with these entities")
    return grounding


def _is_groundable(task: Task, train: Sequence[Example]) -> bool:
    """Return whether the answers of a task are classes, which a head compares with texts."""
    has_classes = bool(task.declared_labels) or any(map(task.classes, train))
    return bool(task.model_class.label_queries) and has_classes


def _class_names(task: Task, train: Sequence[Example]) -> list[str]:
    """Return the names of the labels that mean something, so not that of "no entity"."""
    names = (task.class_name(label) for label in task.label_space(train).labels)
    return [name for name in names if name]


def path_ends(task: Task, train: Sequence[Example], grounding: Grounding | None) -> str:
    """Return where paths of the graph lead: to the answers of a task, or to the second text.

    Args:
        task: The task.
        train: The training texts.
        grounding: The entities of the labels.
    """
    ends = task.model_class.path_ends
    return "texts" if ends == "labels" and grounding is None and are_pairs(train) else ends


def steps_of_paths(
    task: Task, paths: int | None, train: Sequence[Example], grounding: Grounding | None
) -> int:
    """Return the largest number of steps of the paths that are scored; 0 for no paths.

    Args:
        task: The task.
        paths: The number that was asked for; None for one step where mentions are strong evidence,
            whose weights are fitted before training: evidence for the tags of their words, or for
            grounded labels of which a text may have several.
        train: The training texts.
        grounding: The entities of the labels.

    Raises:
        KGBertError: No path of the graph can lead to the answers of the task.
    """
    if paths == 0:
        return 0
    ends = path_ends(task, train, grounding)
    if paths is None:
        has_labels = ends == "labels" and grounding is not None and task.has_several_labels
        return int(ends == "words" or has_labels)
    check_steps(paths)
    if not ends:
        raise DataError(
            f"no path of the graph leads to the answers of {task.name}. Count no paths, or choose "
            "text, multi-label, token or relation classification, multiple choice, or pairs of "
            "texts.",
            code="task-without-paths",
            remedies=[Remedy("paths", 0)],
        )
    if ends == "labels" and grounding is None:
        raise DataError(
            "paths lead from the entities of a text to those of the labels, or to those of the "
            "second text of a pair; the labels are not grounded in the graph, and the texts are no "
            "pairs.",
            code="paths-without-grounding",
            remedies=[Remedy("ground", "labels"), Remedy("paths", 0)],
        )
    return paths
