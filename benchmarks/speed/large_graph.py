"""Does a graph of ten million entities train within two cores and 8 GiB?

The graph is invented: most edges lead to few entities, as in real ones. One process invents it,
writes it, its features and its rows, and ends; what trains opens these files and reads of them
what a batch needs. A step of training is measured beside one with a graph of ten thousand
entities, in turn at every step, and each graph's memory in a process of its own.

An encoder of two small layers with random weights stands for the backbone, since what depends on
the graph is in question, and a batch names no more than sixteen entities: were they many, they
would be found to share most of their neighbours in the small graph and hardly any in the large
one, so that the two steps would not be the same work.

    python -m benchmarks.speed.large_graph [--entities 10000000] [--folder DIR] [--out FILE]
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
from benchmarks.speed.timing import Lane, race
from kgbert.demo.study import checked_backbone
from kgbert.encoding import csr as rows
from kgbert.encoding.processor import KGBertProcessor
from kgbert.graph.serialization import load_graph, save_graph
from kgbert.models.auto import KGBertForSequenceClassification

SMALL = 10_000
EDGES = 5
FEATURES = 64
BATCH, LENGTH, VOCABULARY = 8, 128, 2000
#: Two tokens of each text name one entity or another.
LINKED = 2 / LENGTH
BATCHES = 32
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}


def main() -> None:
    """Make both graphs, measure them and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=BATCHES)
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--step", choices=STEPS, help="what a process of its own does")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.step:
        rows.CACHE = arguments.folder
        print(json.dumps(STEPS[arguments.step](arguments.folder, arguments.entities)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        told = measured(Path(name), arguments.entities, arguments.repeats)
    arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))


def measured(folder: Path, entities: int, repeats: int) -> dict[str, Any]:
    """Return what a graph of so many entities needs, beside a small one."""
    rows.CACHE = folder
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**SHAPE)).save_pretrained(folder / "plain")
    sizes = (SMALL, entities)
    made, trained = (
        [
            run_module(__spec__.name, f"--step={step}", f"--folder={folder}", f"--entities={size}")
            for size in sizes
        ]
        for step in STEPS
    )
    files = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    lanes = [lane_of(folder, size) for size in sizes]
    found = [race(lanes, step, repeats=repeats, block=1) for step in ("loader", "training")]
    nodes = [
        median(len(lane.collate(number)["node_features"]) for number in range(BATCHES))
        for lane in lanes
    ]
    arms = zip(*found, trained, nodes, strict=True)
    return {
        "question": (__doc__ or "").splitlines()[0],
        "entities": entities,
        "edges": EDGES * entities,
        "seconds of the processor": made[1]["seconds"],
        "peak memory, GiB": trained[1]["peak memory, GiB"],
        "peak memory of making, GiB": made[1]["peak memory, GiB"],
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
    """Write a graph, its features and its rows; return how long each took, and the memory."""
    seconds = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        seconds[name] = round(time.process_time() - start, 1)
        return result

    graph = timed("graph invented", lambda: synthetic_graph(entities, EDGES * entities))
    timed("graph written", lambda: save_graph(graph, folder / f"{entities}.graph"))
    path = folder / f"{entities}.features"
    timed("features written", lambda: synthetic_features(graph, FEATURES, path))
    timed("graph hashed", lambda: graph.hash)
    timed("rows sorted and written", lambda: rows.load_adjacency(graph))
    return {"seconds": seconds, "peak memory, GiB": memory_in_gib("VmHWM")}


def train(folder: Path, entities: int) -> dict[str, Any]:
    """Train a few steps; return the memory that the process owns, and all that it has touched.

    What it has touched beyond its own are pages of the mapped files, which the system takes back
    when somebody needs the room, and which all processes share.
    """
    lane = lane_of(folder, entities)
    for number in range(BATCHES):
        lane.train(number)
    return {"own memory, GiB": memory_in_gib("RssAnon"), "peak memory, GiB": memory_in_gib("VmHWM")}


def lane_of(folder: Path, entities: int) -> Lane:
    """Return what trains on a graph that :func:`make` wrote."""
    graph = load_graph(folder / f"{entities}.graph")
    features = mapped_features(FEATURES, folder / f"{entities}.features")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(checked_backbone())
    processor = KGBertProcessor(tokenizer, graph, features, linker=lambda texts: [])
    texts = synthetic_texts(BATCHES * BATCH, LENGTH, graph, vocabulary=VOCABULARY, linked=LINKED)
    model = KGBertForSequenceClassification.from_backbone(
        str(folder / "plain"), graph, labels=("a", "b"), feature_size=FEATURES
    )
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    return Lane(f"{entities:,} entities", model, processor, batches)


STEPS = {"make": make, "train": train}

if __name__ == "__main__":
    main()
