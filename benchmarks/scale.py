"""Does a graph of ten million entities train within two cores and 8 GiB?

The graph is invented: most edges lead to few entities, as in real ones. Its features lie in a file
that is mapped into memory, its rows, once sorted, in another. Sampling and training are measured
beside a graph of ten thousand entities, in turn at every step; an encoder of two small layers with
random weights stands for the backbone, since what depends on the graph is in question.

    python benchmarks/scale.py [--entities 10000000] [--out benchmarks/results/scale.json]
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lanes import Lane, race
from synthetic import synthetic_features, synthetic_graph, synthetic_texts
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from kgbert.batching import rows
from kgbert.batching.processor import KGBertProcessor
from kgbert.demo.study import checked_backbone
from kgbert.modeling.models import KGBertForSequenceClassification

SMALL = 10_000
EDGES = 5
FEATURES = 64
BATCH, LENGTH, VOCABULARY = 64, 128, 2000
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}


def main() -> None:
    """Measure both graphs and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/scale.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows.CACHE = folder
        torch.manual_seed(0)
        BertForSequenceClassification(BertConfig(**SHAPE)).save_pretrained(folder / "plain")
        lanes = [
            _lane(folder, SMALL, {}),
            _lane(folder, arguments.entities, seconds),
        ]
        found = [race(lanes, step, repeats=arguments.repeats) for step in ("loader", "training")]
        files = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    told = {
        "question": (__doc__ or "").splitlines()[0],
        "entities": arguments.entities,
        "edges": EDGES * arguments.entities,
        "seconds of the processor": seconds,
        "arms": [loader | training for loader, training in zip(*found, strict=True)],
        "peak memory, GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "mapped files, GiB": round(files / 2**30, 2),
        "python": platform.python_version(),
        "torch": version("torch"),
        "machine": f"{platform.machine()}, 1 of {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.0f}",
    }
    arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))


def _lane(folder: Path, entities: int, seconds: dict[str, float]) -> Lane:
    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        seconds[name] = round(time.process_time() - start, 1)
        return result

    graph = timed("graph invented", lambda: synthetic_graph(entities, EDGES * entities))
    path = folder / f"{entities}.features"
    features = timed("features written", lambda: synthetic_features(graph, FEATURES, path))
    timed("graph hashed", lambda: graph.hash)
    timed("rows sorted and written", lambda: rows.rows_of(graph))
    timed("rows opened again", lambda: rows.rows_of(graph))
    tokenizer = PreTrainedTokenizerFast.from_pretrained(checked_backbone())
    processor = KGBertProcessor(tokenizer, graph, features, linker=lambda texts: [])
    texts = synthetic_texts(8 * BATCH, LENGTH, graph, vocabulary=VOCABULARY)
    model = KGBertForSequenceClassification.from_backbone(
        str(folder / "plain"),
        graph,
        labels=("a", "b"),
        feature_size=FEATURES,
        knowledge_size=FEATURES,
    )
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    return Lane(f"{entities:,} entities", model, processor, batches)


if __name__ == "__main__":
    main()
