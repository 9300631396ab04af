"""Any number of names and sentences, generated from the Human Phenotype Ontology."""

import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

SENTENCES = 60_000

STEMS = ("proximal", "juvenile", "lateral", "diffuse", "incipient", "paroxysmal", "variant")


def terms(obo: Path) -> tuple[list[str], list[str]]:
    """Return the names and the definitions of an OBO file."""
    names: list[str] = []
    definitions: list[str] = []
    for line in obo.read_text("utf8").splitlines():
        key, _, value = line.partition(": ")
        if key == "name":
            names.append(value)
        elif key in ("synonym", "def"):
            (names if key == "synonym" else definitions).append(value.split('"')[1])
    return sorted(set(names)), definitions


def names_of(names: Sequence[str], size: int) -> list[str]:
    """Return so many names: the given ones, then those with generated modifiers."""
    chosen = list(names[:size])
    modified = (f"{stem}{number} {name}" for number in count() for stem in STEMS for name in names)
    while len(chosen) < size:
        chosen.append(next(modified))
    return chosen


def sentences_of(definitions: Sequence[str]) -> list[str]:
    """Return SENTENCES sentences: original ones, then combinations of two halves."""
    parts = [part for text in definitions for part in text.split(". ") if len(part) > 20]
    random.seed(0)
    return (parts + list(_spliced(parts)))[:SENTENCES]


def _spliced(parts: Sequence[str]) -> Iterator[str]:
    for _ in range(SENTENCES):
        first, second = random.choice(parts).split(), random.choice(parts).split()
        yield " ".join(first[: len(first) // 2] + second[len(second) // 2 :])
