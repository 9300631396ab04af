"""Read labelled texts from any source into the splits of a training or a comparison."""

from collections.abc import Callable, Mapping

from kgbert.data import Columns, Example, Source, parts_of, read_examples, read_records
from kgbert.data.splits import Split, drawn_split
from kgbert.tasks.base import Task
from kgbert.tasks.registry import AUTO, detect_task, find_task
from kgbert.utils.errors import DataError, Remedy


def task_and_splits(
    texts: Source,
    *,
    validation: Source | None = None,
    test: Source | None = None,
    task: str | Task = AUTO,
    columns: Mapping[str, str] | None = None,
) -> tuple[Task, Callable[[int], Split]]:
    """Return the task of labelled texts, and a function from a seed to its split.

    Args:
        texts: As for :func:`kgbert.train`; parts of a split may come in one mapping.
        validation: Texts of a part of their own; without them every seed draws its split.
        test: The same, for the test.
        task: A task or its name; ``"auto"`` detects the task from the columns of the rows.
        columns: Names of the columns by role.

    Raises:
        DataError: The texts cannot be read, have no detectable task, or lack a part.
    """
    if parts := parts_of(texts):
        texts = parts["train"]
        validation, test = parts.get("validation", validation), parts.get("test", test)
    found_task = _detected(texts, columns) if task == AUTO else find_task(task)
    if (validation is None) != (test is None):
        missing = "validation" if validation is None else "test"
        raise DataError(
            f"there are no texts for {missing}; give both parts, or neither and let them be drawn.",
            code="incomplete-split",
            remedies=[Remedy(missing)],
        )
    train = examples_of(texts, found_task, columns)
    if validation is None or test is None:
        return found_task, drawn_split(train, task=found_task)
    split = Split(train, *(examples_of(x, found_task, columns) for x in (validation, test)))
    return found_task, lambda seed: split


def examples_of(texts: Source, task: Task, columns: Mapping[str, str] | None) -> list[Example]:
    """Return the examples of a source; examples in memory are returned as they are."""
    return list(texts) if _are_examples(texts) else read_examples(texts, task, columns=columns)


def _detected(texts: Source, columns: Mapping[str, str] | None) -> Task:
    if _are_examples(texts):
        raise DataError(
            "examples in memory do not tell their task.",
            code="unnamed-task",
            remedies=[Remedy("task", "text-classification")],
        )
    return detect_task([record.values for record in read_records(texts, Columns(columns or {}))])


def _are_examples(texts: Source) -> bool:
    return isinstance(texts, list | tuple) and all(isinstance(x, Example) for x in texts)
