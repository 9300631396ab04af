"""Read mutated inputs of a family until a time or a number of inputs is reached."""

import random
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from tests.fuzz.families import Family
from tests.fuzz.mutations import mutated

_REPEATED = re.compile(rb"(.)\1{60,}", re.DOTALL)


class Outcome(NamedTuple):
    """What came of the mutated inputs of a family."""

    inputs: int
    refused: int
    slowest: float
    """Seconds that the slowest input took."""


def fuzz(
    name: str, family: Family, folder: Path, *, seconds: float = float("inf"), inputs: int = 1 << 62
) -> Outcome:
    """Read mutated inputs; whatever is raised but a refusal is raised again with the input."""
    folder.mkdir(exist_ok=True)
    path = family.write(folder)
    originals = {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
    end, refused, slowest, seed = perf_counter() + seconds, 0, 0.0, 0
    for seed in _seeds(inputs, end):
        generator = random.Random(seed)
        file = generator.choice(list(originals))
        content = mutated(originals[file], generator)
        file.write_bytes(content)
        start = perf_counter()
        try:
            family.read(path, bool(seed % 2))
        except family.refusal:
            refused += 1
        except BaseException as error:
            shown = _REPEATED.sub(rb"\1...", content)[:2000]
            error.add_note(f"{name}, seed {seed}, {file.name}: {shown!r}")
            raise
        slowest = max(slowest, perf_counter() - start)
        # A reader may mend what it found damaged.
        for each, original in originals.items():
            each.write_bytes(original)
    return Outcome(seed + 1, refused, slowest)


def _seeds(inputs: int, end: float) -> Iterator[int]:
    for seed in count():
        if seed and (seed >= inputs or perf_counter() >= end):
            return
        yield seed
