"""Splits of labelled texts for the seeds of a comparison."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from kgbert.data.example import Example
from kgbert.utils.errors import DataError

#: Minimum number of groups of texts for a random split.
FEWEST_GROUPS = 10


@dataclass(frozen=True)
class Split:
    """The labelled texts of one seed."""

    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]

    def parts(self) -> tuple[Sequence[Example], Sequence[Example], Sequence[Example]]:
        """Return the training, validation and test texts."""
        return self.train, self.validation, self.test

    @property
    def sizes(self) -> str:
        """The number of texts of each part as a person reads it.

        >>> text = Example("a text")
        >>> Split([text] * 6, [text] * 2, [text] * 2).sizes
        '6 for training, 2 for validation, 2 for test'
        """
        train, validation, test = (f"{len(part):,}" for part in self.parts())
        return f"{train} for training, {validation} for validation, {test} for test"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the texts, targets and ids."""
        digest = hashlib.sha256()
        for part in self.parts():
            for example in part:
                content = (
                    example.texts,
                    example.target,
                    example.spans,
                    example.arguments,
                    example.id,
                )
                digest.update(repr(content).encode())
            digest.update(b"\x1e")
        return digest.hexdigest()


@runtime_checkable
class Checking(Protocol):
    """The methods of a task that a split needs; see :class:`kgbert.tasks.base.Task`."""

    def check(
        self,
        train: Sequence[Example],
        validation: Sequence[Example] = (),
        test: Sequence[Example] = (),
    ) -> None:
        """Raise DataError if a model cannot be trained or scored on the examples."""
        ...

    def classes(self, example: Example) -> frozenset[str]:
        """Return the classes in an example's target that the training texts must contain."""
        ...


def fixed_split(
    train: Sequence[Example],
    validation: Sequence[Example],
    test: Sequence[Example],
    *,
    task: Checking,
) -> Callable[[int], Split]:
    """Return a function that gives the same official split for every seed.

    >>> one, two = Example("a fever", "ill"), Example("all is well", "well")
    >>> from kgbert.tasks.registry import TASKS
    >>> split = fixed_split([one, two], [one], [two], task=TASKS["text-classification"])
    >>> split(0) is split(1)
    True
    """
    split = Split(train, validation, test)
    check_split(split, task)
    return lambda seed: split


def check_split(split: Split, task: Checking) -> None:
    """Raise DataError if a part has no texts, or labels that do not fit the task."""
    for name, part in zip(("train", "validation", "test"), split.parts(), strict=True):
        if not part:
            raise DataError(
                f"{name}: there is no text, so nothing can be "
                f"{'learnt' if name == 'train' else 'scored'}; give more texts, or your own "
                "training, validation and test texts.",
                code="empty-part",
            )
    task.check(*split.parts())


def drawn_split(
    examples: Sequence[Example],
    *,
    task: Checking,
    group: Callable[[Example], Hashable] = lambda example: example.id or example.text,
) -> Callable[[int], Split]:
    """Return a function that draws 60 % for training, 20 % for validation and 20 % for the test.

    Each seed draws its own split; texts of one group, for example a document, stay together.
    Texts with a label that the training texts lack are excluded from the other two parts.

    Raises:
        DataError: There are too few groups, or the labels do not fit the task.

    >>> texts = [Example(f"text {i}", "ill" if i % 2 else "well") for i in range(20)]
    >>> from kgbert.tasks.registry import TASKS
    >>> split = drawn_split(texts, task=TASKS["text-classification"])
    >>> [len(part) for part in split(0).parts()]
    [12, 4, 4]
    """
    task.check(examples)
    groups: dict[Hashable, list[Example]] = {}
    for example in examples:
        groups.setdefault(group(example), []).append(example)
    if len(groups) < FEWEST_GROUPS:
        raise DataError(
            f"{len(examples):,} texts in {len(groups)} groups are too few to draw a split from; "
            f"give at least {FEWEST_GROUPS} groups, or your own training, validation and test "
            "texts.",
            code="too-few-groups",
        )
    members = list(groups.values())

    def draw(seed: int) -> Split:
        order = np.random.default_rng(seed).permutation(len(members))
        cuts = int(len(order) * 0.6), int(len(order) * 0.8)
        train, validation, test = (
            [example for place in part for example in members[place]]
            for part in np.split(order, cuts)
        )
        known = frozenset[str]().union(*map(task.classes, train))
        return Split(
            train,
            [example for example in validation if task.classes(example) <= known],
            [example for example in test if task.classes(example) <= known],
        )

    return draw
