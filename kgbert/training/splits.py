"""Read labelled texts from any source into the splits of a training or a comparison."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kgbert.data import (
    Columns,
    Example,
    Source,
    describe,
    examples_from,
    parts_of,
    read_examples,
    read_records,
)
from kgbert.data.splits import Split, drawn_split
from kgbert.tasks.base import Task
from kgbert.tasks.registry import AUTO, detect_task, find_task
from kgbert.utils.errors import DataError, Remedy
from kgbert.utils.progress import Reporter

logger = logging.getLogger(__name__)

#: Labelled texts: a source, the parts of a split, or a function from a seed to its split.
LabelledTexts = Source | Split | Callable[[int], Split]


def task_and_splits(
    texts: LabelledTexts,
    *,
    validation: Source | None = None,
    test: Source | None = None,
    task: str | Task = AUTO,
    columns: Mapping[str, str] | None = None,
    labels: Iterable[str] = (),
) -> tuple[Task, Callable[[int], Split]]:
    """Return the task of labelled texts, and a function from a seed to its split.

    Args:
        texts: As for :func:`kgbert.train`; parts of a split may come in one mapping.
        validation: Texts of a part of their own; without them every seed draws its split.
        test: The same, for the test.
        task: A task or its name; ``"auto"`` detects the task from the columns of the rows.
        columns: Names of the columns by role.
        labels: Labels that need no training text.

    Raises:
        DataError: The texts cannot be read, have no detectable task, or lack a part.
    """
    if isinstance(texts, Split):
        return _named(task).declaring(labels), lambda seed: texts
    if callable(texts):
        return _named(task).declaring(labels), texts
    if parts := parts_of(texts):
        texts = parts["train"]
        validation, test = parts.get("validation", validation), parts.get("test", test)
    _check_parts(validation, test)
    found_task, train = _task_and_examples(texts, task, columns)
    found_task = found_task.declaring(labels)
    if validation is None or test is None:
        return found_task, drawn_split(train, task=found_task)
    split = Split(train, *(examples_of(x, found_task, columns) for x in (validation, test)))
    return found_task, lambda seed: split


def examples_of(texts: Source, task: Task, columns: Mapping[str, str] | None) -> list[Example]:
    """Return the examples of a source; examples in memory are returned as they are."""
    if _are_examples(texts):
        return list(texts)
    return _checked(read_examples(texts, task, columns=columns))


def further_texts(
    sources: Sequence[Source],
    task: Task,
    train: Sequence[Example],
    columns: Mapping[str, str] | None,
    reporter: Reporter,
) -> dict[str, list[Example]]:
    """Return the examples of further test texts by name, without labels that training lacks.

    Args:
        sources: The texts.
        task: The task.
        train: The training texts.
        columns: Names of the columns by role.
        reporter: Shows how many texts are left out.

    Raises:
        DataError: No text remains.
    """
    known = frozenset[str]().union(*map(task.classes, train), task.declared_labels)
    texts = {}
    for number, source in enumerate(sources, 1):
        name = Path(source).name if isinstance(source, str | Path) else f"further texts {number}"
        if name in texts:
            name = f"{name} ({number})"
        examples = examples_of(source, task, columns)
        kept = [x for x in examples if task.is_labelled(x) and task.classes(x) <= known]
        if not kept:
            raise DataError(
                f"{name}: none of the {len(examples):,} texts has a label that a training text "
                "has, so that they cannot be scored. Leave them out, or write the labels alike.",
                code="no-further-texts",
            )
        if left := len(examples) - len(kept):
            reporter.message(f"{name}: {left:,} of {len(examples):,} texts have no known label")
        texts[name] = kept
    return texts


def _task_and_examples(
    texts: Source, task: str | Task, columns: Mapping[str, str] | None
) -> tuple[Task, list[Example]]:
    if _are_examples(texts):
        return _named(task), list(texts)
    # The rows are read once, for the detection of the task and for the examples.
    records = read_records(texts, Columns(columns or {}))
    found = detect_task([x.values for x in records]) if task == AUTO else find_task(task)
    return found, _checked(examples_from(records, found, name=describe(texts)))


def _checked(examples: list[Example]) -> list[Example]:
    """Return examples, and warn of empty texts, which often are a mistake of the file."""
    empty = [(x, position) for position, x in enumerate(examples, 1) if not x.text.strip()]
    if empty:
        logger.warning(
            "empty texts: %s of %s (the first: %s); they are used as they are.",
            f"{len(empty):,}",
            f"{len(examples):,}",
            empty[0][0].place or f"text {empty[0][1]:,}",
        )
    return examples


def _named(task: str | Task) -> Task:
    """Return a task by its name, for texts in memory, which have no columns to detect it from."""
    if task == AUTO:
        raise DataError(
            "the task of examples in memory cannot be detected.",
            code="unnamed-task",
            remedies=[Remedy("task", "text-classification")],
        )
    return find_task(task)


def _check_parts(validation: Source | None, test: Source | None) -> None:
    if (validation is None) != (test is None):
        missing = "validation" if validation is None else "test"
        raise DataError(
            f"there are no texts for {missing}; give both parts, or neither and let them be drawn.",
            code="incomplete-split",
            remedies=[Remedy(missing)],
        )


def _are_examples(texts: Source) -> bool:
    return isinstance(texts, list | tuple) and all(isinstance(x, Example) for x in texts)
