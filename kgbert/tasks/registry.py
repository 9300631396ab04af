"""The tasks by name, and the detection of the task of a file or a model."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from kgbert.tasks.base import Task
from kgbert.utils.errors import DataError, KGBertError, Remedy
from kgbert.utils.lazy_table import LazyTable
from kgbert.utils.registry import TASKS_GROUP, lookup

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from kgbert.models.base import KGBertPreTrainedModel

#: The task name that selects detection from the columns of a file.
AUTO = "auto"


def find_task(task: str | Task) -> Task:
    """Return a task by its name; a task object is returned as it is.

    Raises:
        KGBertError: There is no task of this name, here or in an installed package.
    """
    if isinstance(task, Task):
        return task
    return lookup(TASKS, task, "task", TASKS_GROUP)


def detect_task(records: Sequence[Mapping[str, Any]]) -> Task:
    """Return the most specific task that fits the rows of a file.

    Raises:
        DataError: No task fits.

    >>> detect_task([{"text": "a fever", "label": "ill"}]).name
    'text-classification'
    """
    for task in TASKS.values():
        if any(task.fits(record) for record in records):
            return task
    names = list(dict.fromkeys(key for record in records for key in record))
    empty = [name for name in names if all(x.get(name) in (None, "", []) for x in records)]
    columns = ", ".join(f"{name!r} (empty)" if name in empty else repr(name) for name in names)
    others = [name for name in names if name not in ("text", "label", "id", *empty)]
    label, which = (others[0], "this") if len(others) == 1 else (..., "another")
    raise DataError(
        f"the task of the rows cannot be detected from their columns, {columns or 'none'}.",
        code="unknown-task",
        remedies=[
            Remedy("columns", {"label": label}, f"if the labels are in {which} column"),
            Remedy("task", tuple(TASKS), "to name the task"),
        ],
    )


def task_of_model(model: "KGBertPreTrainedModel") -> Task:
    """Return the task of a model.

    Raises:
        KGBertError: The model is a bare encoder.
    """
    return task_of_config(model.config, type(model).__name__)


def task_of_config(config: "PreTrainedConfig", model_class: str = "") -> Task:
    """Return the task of a model with this configuration.

    Args:
        config: The model's configuration.
        model_class: The name of the model class, if the configuration does not have it yet.

    Raises:
        KGBertError: The model is a bare encoder, or its class is not one of kgbert's.
    """
    if config.task:
        return find_task(config.task).with_settings(config.task_settings)
    name = model_class or (config.architectures or ["model of no class"])[0]
    if task := task_of_class(name):
        return task
    raise KGBertError(
        f"a {name} answers no task; fine-tune one of "
        f"{', '.join(dict.fromkeys(x.model_class.__name__ for x in TASKS.values()))} instead.",
        code="no-task",
    )


def task_of_class(name: str) -> Task | None:
    """Return the most general task that a class of model is for; None for a bare encoder."""
    general_first = reversed(list(TASKS.values()))
    return next((task for task in general_first if task.model_class.__name__ == name), None)


#: The tasks by name, more specific ones first: ``auto`` takes the first that fits a file's rows.
TASKS: MutableMapping[str, Task] = LazyTable(
    {
        "event-extraction": "kgbert.tasks.relations.event_extraction:EventExtraction",
        "relation-extraction": "kgbert.tasks.relations.relation_extraction:RelationExtraction",
        "relation-classification": (
            "kgbert.tasks.relations.relation_classification:RelationClassification"
        ),
        "multiple-choice": "kgbert.tasks.multiple_choice:MultipleChoice",
        "question-answering": "kgbert.tasks.question_answering:QuestionAnswering",
        "entity-linking": "kgbert.tasks.entity_linking:EntityLinking",
        "token-classification": "kgbert.tasks.token_classification:TokenClassification",
        "multi-label-classification": (
            "kgbert.tasks.whole_texts.multi_label_classification:MultiLabelClassification"
        ),
        "regression": "kgbert.tasks.whole_texts.regression:Regression",
        "generation": "kgbert.tasks.generation:Generation",
        "text-classification": "kgbert.tasks.whole_texts.text_classification:TextClassification",
    },
    instantiate=True,
)
