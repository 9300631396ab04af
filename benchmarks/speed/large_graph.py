"""Does training with a graph of ten million entities fit into two cores and 8 GiB?

The graph is synthetic, with a skewed in-degree as in real graphs. One process generates it, writes
graph, features and adjacency rows, and ends; the training process maps these files and reads what a
batch needs. A training step is timed against one with a graph of ten thousand entities, in
alternation; the memory of each graph is measured in a process of its own.

A random encoder of two small layers stands for the backbone, since only the effect of the graph is
measured. A batch links at most sixteen entities: with many more, they would share most neighbours
in the small graph and hardly any in the large one, and the two steps would do different work.

    python -m benchmarks.speed.large_graph [--entities 10000000] [--folder DIR] [--out FILE]
    python -m benchmarks.speed.large_graph --entities 20000 --repeats 2 --out FILE   # smallest run
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from benchmarks import RESULTS
from benchmarks.speed.child_process import memory_in_gib, run_module
from benchmarks.speed.synthetic import (
    mapped_features,
    synthetic_features,
    synthetic_graph,
    synthetic_texts,
)
from benchmarks.speed.timing import Case, compare_throughput
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.core import csr as rows
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.models.task_models import KGBertForSequenceClassification

SMALL = 10_000
EDGES = 5
FEATURES = 64
BATCH, LENGTH, VOCABULARY = 8, 128, 2000
#: Two tokens of each text are linked.
LINKED = 2 / LENGTH
BATCHES = 32
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}


def main() -> None:
    """Write both graphs, measure them and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=BATCHES)
    parser.add_argument("--folder", type=Path, help="folder for temporary files")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--step", choices=STEPS, help="internal: run one step in this process")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.step:
        rows.CACHE = arguments.folder
        print(json.dumps(STEPS[arguments.step](arguments.folder, arguments.entities)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        report = measure(Path(name), arguments.entities, arguments.repeats)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


def measure(folder: Path, entities: int, repeats: int) -> dict[str, Any]:
    """Return the cost of a graph of so many entities, compared with a small one."""
    rows.CACHE = folder
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**SHAPE)).save_pretrained(folder / "plain")
    sizes = (SMALL, entities)
    written, trained = (
        [
            run_module(__spec__.name, f"--step={step}", f"--folder={folder}", f"--entities={size}")
            for size in sizes
        ]
        for step in STEPS
    )
    files = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    cases = [load_case(folder, size) for size in sizes]
    timings = [
        compare_throughput(cases, step, repeats=repeats, block=1) for step in ("loader", "training")
    ]
    nodes = [
        median(len(case.collate(number)["node_features"]) for number in range(BATCHES))
        for case in cases
    ]
    arms = zip(*timings, trained, nodes, strict=True)
    return {
        "question": (__doc__ or "").splitlines()[0],
        "entities": entities,
        "edges": EDGES * entities,
        "seconds of the processor": written[1]["seconds"],
        "peak memory, GiB": trained[1]["peak memory, GiB"],
        "peak memory of making, GiB": written[1]["peak memory, GiB"],
        "mapped files, GiB": round(files / 2**30, 2),
        "arms": [
            loader | training | memory | {"sampled nodes": seen}
            for loader, training, memory, seen in arms
        ],
        "python": platform.python_version(),
        "torch": version("torch"),
        "machine": f"{platform.machine()}, 1 of {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.0f}",
    }


def make(folder: Path, entities: int) -> dict[str, Any]:
    """Write a graph, its features and adjacency rows; return the time of each and the memory."""
    seconds = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        seconds[name] = round(time.process_time() - start, 1)
        return result

    graph = timed("graph generated", lambda: synthetic_graph(entities, EDGES * entities))
    timed("graph written", lambda: save_graph(graph, folder / f"{entities}.graph"))
    path = folder / f"{entities}.features"
    timed("features written", lambda: synthetic_features(graph, FEATURES, path))
    timed("graph hashed", lambda: graph.hash)
    timed("rows sorted and written", lambda: rows.load_adjacency(graph))
    return {"seconds": seconds, "peak memory, GiB": memory_in_gib("VmHWM")}


def train(folder: Path, entities: int) -> dict[str, Any]:
    """Train a few steps; return the anonymous memory and the peak resident memory.

    The difference is pages of mapped files, which all processes share and the system can reclaim.
    """
    case = load_case(folder, entities)
    for number in range(BATCHES):
        case.train(number)
    return {"own memory, GiB": memory_in_gib("RssAnon"), "peak memory, GiB": memory_in_gib("VmHWM")}


def load_case(folder: Path, entities: int) -> Case:
    """Return a case that trains on a graph written by :func:`make`."""
    graph = load_graph(folder / f"{entities}.graph")
    features = mapped_features(FEATURES, folder / f"{entities}.features")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(checked_backbone())
    processor = KGBertProcessor(tokenizer, graph, features, linker=lambda texts: [])
    texts = synthetic_texts(BATCHES * BATCH, LENGTH, graph, vocabulary=VOCABULARY, linked=LINKED)
    model = KGBertForSequenceClassification.from_backbone(
        str(folder / "plain"), graph, labels=("a", "b"), feature_size=FEATURES
    )
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    return Case(f"{entities:,} entities", model, processor, batches)


STEPS = {"make": make, "train": train}

if __name__ == "__main__":
    main()
