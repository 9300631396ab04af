"""The same study with fewer training texts: where the gain is, and where it vanishes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgbert.comparison.statistics.learning_curve import size_row
from kgbert.comparison.statistics.summary import Results
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.tasks.base import Task


@dataclass(frozen=True)
class FewerTexts:
    """Keeps some of each seed's training texts; validation and test stay as they are.

    A smaller number keeps a part of what a larger one keeps, and every label is among the first.
    """

    split: Callable[[int], Split]
    size: int
    task: Task

    def __call__(self, seed: int) -> Split:
        """Return the texts of a seed."""
        whole = self.split(seed)
        order = np.random.default_rng([seed, 0x517E]).permutation(len(whole.train)).tolist()
        first, rest, known = list[Example](), list[Example](), set[str]()
        for example in (whole.train[place] for place in order):
            classes = self.task.classes(example)
            (rest if classes <= known else first).append(example)
            known |= classes
        if not len(first) <= self.size < len(whole.train):
            raise ValueError(
                f"{self.size:,} training texts cannot be taken of the {len(whole.train):,} of seed "
                f"{seed}: it takes {len(first):,} to have each label once, and fewer than there "
                "are; for all of them type all, as in --train-sizes 50,200,all"
            )
        return Split([*first, *rest][: self.size], whole.validation, whole.test)


def compare_sizes(
    study: Study, sizes: Sequence[int | None], compare: Callable[[Study], Results]
) -> Results:
    """Compare with each number of training texts, and return the results with the largest.

    The smaller ones have folders of their own, such as ``train-50``, in the study's folder; the
    curve over all of them stands in the report of the largest.

    Args:
        study: What is compared.
        sizes: Numbers of training texts; None stands for all of them.
        compare: Compares one study, as :func:`kgbert.compare` does.
    """
    ordered = sorted(dict.fromkeys(sizes), key=lambda size: (size is None, size or 0))
    *smaller, largest = [_sized(study, size) for size in ordered]
    for one in smaller:
        for seed in one.seeds:
            # Before anything takes long.
            one.split(seed)
    rows = [
        size_row(compare(replace(one, folder=study.folder / f"train-{size}", keeps_model=False)))
        for one, size in zip(smaller, ordered, strict=False)
    ]
    return compare(replace(largest, learning_curve=rows))


def _sized(study: Study, size: int | None) -> Study:
    if size is None:
        return study
    return replace(study, split=FewerTexts(study.split, size, study.task))
