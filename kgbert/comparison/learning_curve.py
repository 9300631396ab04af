"""Run the same study with several training set sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgbert.comparison.results import ComparisonResult
from kgbert.comparison.statistics.learning_curve import curve_point
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.tasks.base import Task
from kgbert.utils.errors import KGBertError, Remedy


@dataclass(frozen=True)
class FewerTexts:
    """Reduces each seed's training texts to a subset; validation and test stay unchanged.

    Subsets are nested: a smaller one is part of each larger one. Every label is among the first.
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
            raise KGBertError(
                f"{self.size:,} training texts cannot be drawn from the {len(whole.train):,} of "
                f"seed {seed}: the number must be at least {len(first):,}, so that each label "
                f"occurs once, and below {len(whole.train):,}; 'all' stands for all of them.",
                code="invalid-train-size",
                remedies=[Remedy("train_sizes", ("50", "200", "all"), "for example")],
            )
        return Split([*first, *rest][: self.size], whole.validation, whole.test)


def compare_sizes(
    study: Study, sizes: Sequence[int | None], compare: Callable[[Study], ComparisonResult]
) -> ComparisonResult:
    """Run the study with each training set size, and return the results of the largest.

    Each smaller size has its own folder, such as ``train-50``, in the study's folder. The report of
    the largest size shows the learning curve over all sizes.

    Args:
        study: The study to run.
        sizes: Numbers of training texts; None means all texts.
        compare: Compares one study, as :func:`kgbert.run_study` does.
    """
    ordered = sorted(dict.fromkeys(sizes), key=lambda size: (size is None, size or 0))
    *smaller, largest = [_sized(study, size) for size in ordered]
    for one in smaller:
        for seed in one.seeds:
            # Fail early, before any training.
            one.split(seed)
    points = [
        curve_point(compare(replace(one, folder=study.folder / f"train-{size}", keeps_model=False)))
        for one, size in zip(smaller, ordered, strict=False)
    ]
    return compare(replace(largest, learning_curve=points))


def _sized(study: Study, size: int | None) -> Study:
    if size is None:
        return study
    return replace(study, split=FewerTexts(study.split, size, study.task))
