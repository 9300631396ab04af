"""How do time and memory of reading a graph grow with its size, with and without a cache?

Synthetic graphs, each entity with a name and ten edges of five relations to random entities, are
read from N-Triples and from a CSV of triples, each in a process of its own: without a cache, and
then from the memory-mapped cache. Sizes that are not measured are extrapolated linearly from the
two largest.

    python -m benchmarks.graphs.scale [--sizes 200000 5000000] [--form nt] [--out FILE.json]
    python -m benchmarks.graphs.scale --sizes 2000 4000 --out FILE.json     # smallest run
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS

EDGES = 10
RELATIONS = 5
SIZES = (50_000, 200_000)
LARGEST = 5_000_000
#: Entities written at a time.
_CHUNK = 10_000
PACKAGES = ("kgbert", "pyoxigraph", "numpy", "safetensors")


@dataclass(frozen=True)
class Form:
    """A file format: header, line of a name, line of an edge."""

    header: str
    label: str
    edge: str


def main() -> None:
    """Measure every size and format, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="numbers of entities")
    parser.add_argument("--form", choices=FORMS, help="only this format")
    parser.add_argument("--out", type=Path, default=RESULTS / "graph_scale.json")
    arguments = parser.parse_args()
    arms = []
    forms = [arguments.form] if arguments.form else list(FORMS)
    for form in forms:
        for entities in arguments.sizes:
            with tempfile.TemporaryDirectory() as folder:
                arms += measure(form, entities, Path(folder))
    arguments.out.write_text(json.dumps(report(arms, forms), indent=1) + "\n")


def report(arms: list[dict[str, Any]], forms: list[str]) -> dict[str, Any]:
    """Return the measurements with their circumstances and the extrapolation."""
    return {
        "question": (__doc__ or "").splitlines()[0],
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "note": "The cores were shared with other work: compare processor seconds.",
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "arms": [*arms, *(row for form in forms for row in extrapolate(form, arms))],
    }


def measure(form: str, entities: int, folder: Path) -> list[dict[str, Any]]:
    """Return the cost of reading a graph without and with a cache."""
    path = folder / f"graph.{form}"
    _in_own_process(write, path, entities)
    arms = []
    for arm in ("read and cached", "opened from the cache"):
        measured = {"arm": arm, "form": form, **_in_own_process(read, path, folder / "cache")}
        print(json.dumps(measured), flush=True)
        arms.append(measured)
    return arms


def write(path: Path, entities: int) -> None:
    """Write a synthetic graph, the same at each call."""
    generator = np.random.default_rng(0)
    form = FORMS[path.suffix[1:]]
    with path.open("w", encoding="utf-8") as file:
        file.write(form.header)
        for start in range(0, entities, _CHUNK):
            numbers = range(start, min(start + _CHUNK, entities))
            relations = generator.integers(RELATIONS, size=(len(numbers), EDGES)).tolist()
            tails = generator.integers(entities, size=(len(numbers), EDGES)).tolist()
            for number, *edges in zip(numbers, relations, tails, strict=True):
                file.write(form.label % (number, number))
                file.writelines(form.edge % (number, *edge) for edge in zip(*edges, strict=True))


def read(path: Path, cache: Path) -> dict[str, Any]:
    """Read a graph, through the cache."""
    import pyoxigraph  # noqa: F401  # so that imports are not measured
    import rdflib  # noqa: F401

    from kgbert import read_graph

    before, start, used = _peak(), time.perf_counter(), time.process_time()
    graph = read_graph(path, cache=cache)
    graph.name(len(graph) // 2)
    return {
        "entities": len(graph),
        "edges": len(graph.heads),
        "processor seconds": round(time.process_time() - used, 3),
        "seconds": round(time.perf_counter() - start, 3),
        "peak MB": round(_peak()),
        "peak MB before": round(before),
        "MB on disk": round(path.stat().st_size / 2**20),
    }


def extrapolate(form: str, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Extrapolate linearly from the two largest sizes to millions of entities."""
    cold = [arm for arm in arms if arm["form"] == form and arm["arm"] == "read and cached"]
    if len(cold) < 2 or cold[-1]["entities"] >= LARGEST:
        return []
    small, large = cold[-2:]
    predicted: dict[str, Any] = {}
    for measure in ("peak MB", "processor seconds"):
        slope = (large[measure] - small[measure]) / (large["entities"] - small["entities"])
        predicted[measure] = round(large[measure] + slope * (LARGEST - large["entities"]))
    row = {"arm": "extrapolated", "form": form}
    return [{**row, "entities": LARGEST, "edges": EDGES * LARGEST, **predicted}]


def _in_own_process(function: Any, *arguments: Any) -> Any:
    """Run a function in a new process, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"

#: Formats by suffix.
FORMS = {
    "nt": Form(
        "",
        f'<http://a.org/e%d> <{_LABEL}> "name %d" .\n',
        "<http://a.org/e%d> <http://a.org/r%d> <http://a.org/e%d> .\n",
    ),
    "csv": Form("subject,predicate,object\n", "e%d,label,name %d\n", "e%d,r%d,e%d\n"),
}

if __name__ == "__main__":
    main()
