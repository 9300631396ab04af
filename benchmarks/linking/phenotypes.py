"""Names as many as one likes, and sentences that speak of them, out of the phenotype ontology."""

import random
from collections.abc import Iterator, Sequence
from importlib import metadata
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


def names_of(known: Sequence[str], wanted: int) -> list[str]:
    """Return as many names as wanted: the known ones, then those with invented modifiers."""
    chosen = list(known[:wanted])
    modified = (f"{stem}{number} {name}" for number in count() for stem in STEMS for name in known)
    while len(chosen) < wanted:
        chosen.append(next(modified))
    return chosen


def sentences_of(definitions: Sequence[str]) -> list[str]:
    """Return SENTENCES different sentences: of some the first half, of others the second."""
    whole = [part for text in definitions for part in text.split(". ") if len(part) > 20]
    random.seed(0)
    return (whole + list(_spliced(whole)))[:SENTENCES]


def _spliced(whole: Sequence[str]) -> Iterator[str]:
    for _ in range(SENTENCES):
        first, second = random.choice(whole).split(), random.choice(whole).split()
        yield " ".join(first[: len(first) // 2] + second[len(second) // 2 :])


def of_package(package: str, path: str) -> Path:
    """Return a file of an installed package, or say how to come by it."""
    for file in metadata.files(package) or ():
        if str(file).endswith(path):
            return Path(str(file.locate()))
    raise SystemExit(f"no {path} in {package}: pip install 'kgbert[demo]', or give the file's path")
