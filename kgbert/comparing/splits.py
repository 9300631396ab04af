"""Ways to divide labelled texts over the seeds of a comparison."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from kgbert.comparing.study import Split
from kgbert.texts import Example, check_labels


def fixed_split(
    train: Sequence[Example], validation: Sequence[Example], test: Sequence[Example]
) -> Callable[[int], Split]:
    """Return the same texts for every seed: there is an official split."""
    check_labels(train, validation, test)
    split = Split(train, validation, test)
    return lambda seed: split


def drawn_split(
    examples: Sequence[Example],
    *,
    group: Callable[[Example], Hashable] = lambda example: example.id or example.text,
) -> Callable[[int], Split]:
    """Return a function that draws 60 % for training, 20 % to validate and 20 % to test.

    Each seed draws its own split; texts of one group, a document for example, stay together.

    Raises:
        ValueError: There are too few groups to draw from, or the labels cannot be learnt.
    """
    check_labels(examples)
    groups: dict[Hashable, list[Example]] = {}
    for example in examples:
        groups.setdefault(group(example), []).append(example)
    if len(groups) < 10:
        raise ValueError(
            f"{len(examples):,} texts in {len(groups)} groups are too few to draw a split from; "
            "give at least ten, or your own split with --train, --validation and --test."
        )
    members = list(groups.values())

    def draw(seed: int) -> Split:
        order = np.random.default_rng(seed).permutation(len(members))
        cuts = int(len(order) * 0.6), int(len(order) * 0.8)
        train, validation, test = (
            [example for place in part for example in members[place]]
            for part in np.split(order, cuts)
        )
        known = {example.label for example in train}
        return Split(
            train,
            [example for example in validation if example.label in known],
            [example for example in test if example.label in known],
        )

    return draw
