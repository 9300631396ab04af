"""Diagnosis names of ICD-10-CM, split so that no test category occurs in training."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kgbert.data import Example
from kgbert.data.splits import Split

#: Chapters by organ or cause; 15, pregnancy, repeats diagnoses of the others.
CHAPTERS = tuple(str(chapter) for chapter in range(1, 19) if chapter != 15)

#: Maximum number of names per category, because many differ only in "left" and "right".
NAMES_PER_CATEGORY = 4

#: Percentage of the categories reserved for validation. They are the same on every seed and never
#: used for training or test, so that tuning sees no test diagnosis.
VALIDATION_PERCENT = 15


@dataclass(frozen=True)
class DiagnosisSplits:
    """Draws each seed's diagnoses: half of the other categories for training, half for test."""

    train: int
    validation: int = 400
    test: int = 800

    def __call__(self, seed: int) -> Split:
        """Return the split of a seed; no category is in two parts."""
        generator = np.random.default_rng(seed)
        categories = sorted({category(example) for example in self._diagnoses})
        remaining = [name for name in categories if not is_for_validation(name)]
        sampled = generator.permutation(len(remaining))[: len(remaining) // 2]
        train_categories = {remaining[place] for place in sampled}
        fixed_order = np.random.default_rng(0).permutation(len(self._diagnoses))
        seed_order = generator.permutation(len(self._diagnoses))
        validation = [
            x for x in self._limited_per_category(fixed_order) if is_for_validation(category(x))
        ]
        rest = [
            x for x in self._limited_per_category(seed_order) if not is_for_validation(category(x))
        ]
        train = [x for x in rest if category(x) in train_categories][: self.train]
        known = {example.target for example in train}
        test = [x for x in rest if category(x) not in train_categories and x.target in known]
        validation = [x for x in validation if x.target in known]
        return Split(train, validation[: self.validation], test[: self.test])

    @cached_property
    def _diagnoses(self) -> list[Example]:
        return read_diagnoses()

    def _limited_per_category(self, order: NDArray[np.int64]) -> list[Example]:
        """Return the diagnoses in this order, at most ``NAMES_PER_CATEGORY`` of each category."""
        counts = Counter[str]()
        kept = []
        for place in order.tolist():
            example = self._diagnoses[place]
            counts[category(example)] += 1
            if counts[category(example)] <= NAMES_PER_CATEGORY:
                kept.append(example)
        return kept


def read_diagnoses() -> list[Example]:
    """Return every title and inclusion term once, labelled with the name of its chapter.

    A name in several chapters keeps the first one.
    """
    # Imported lazily, because the import reads all of ICD-10-CM.
    import simple_icd_10_cm as icd

    found: dict[str, Example] = {}
    for chapter in CHAPTERS:
        # "Neoplasms (C00-D49)" without its range of codes.
        label = icd.get_description(chapter).rsplit(" (", 1)[0]
        for code in icd.get_descendants(chapter):
            if not icd.is_chapter_or_block(code):
                for name in (icd.get_description(code), *icd.get_inclusion_term(code)):
                    found.setdefault(name.casefold(), Example(name, target=label, id=code))
    return list(found.values())


def category(example: Example) -> str:
    """Return the three-character category of a diagnosis: ``E11`` of ``E11.65``."""
    return example.id[:3]


def is_for_validation(name: str) -> bool:
    """Return whether a category is reserved for validation."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return int(digest, 16) % 100 < VALIDATION_PERCENT
