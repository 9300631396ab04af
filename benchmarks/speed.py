"""What does knowledge cost, beside the plain encoder?

All arms are measured in one process on the same batches, in turn at every step, and told as their
throughput over the plain encoder's. On a CPU that is MiniLM on the demo's texts with the Human
Phenotype Ontology; where there is a GPU, an encoder of BERT-base's shape with random weights on
64 texts of 128 tokens, a tenth of them linked into an invented graph of 100,000 entities and
500,000 edges. A step includes padding and sampling, in the same process; tokenising and linking,
done once a text, are told apart.

    python benchmarks/speed.py [--quick] [--threads 1] [--out benchmarks/results/speed_cpu.json]
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from lanes import Lane, Row, peak_memory, race
from synthetic import synthetic_features, synthetic_graph, synthetic_texts
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from kgbert.batching.processor import KGBertProcessor
from kgbert.comparing.arms import ARMS
from kgbert.comparing.arms.arm import Arm, Material
from kgbert.demo.study import SIZES, checked_backbone, demo_study
from kgbert.modeling.models import KGBertForSequenceClassification

MEASURED = ("plain", "knowledge", "no edges", "appended text", "K-BERT", "ERNIE", "KnowBert")
BATCH = {"cpu": 32, "cuda": 64}
LENGTH = 128
PACKAGES = ("kgbert", "torch", "transformers", "torch-geometric", "numpy")


def main() -> None:
    """Measure on the device there is, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, small graphs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    repeats = 5 if arguments.quick else 15
    with tempfile.TemporaryDirectory() as folder:
        found = (on_gpu if device == "cuda" else on_cpu)(Path(folder), repeats)
        found["graph sizes"] = by_size(Path(folder), device, repeats, quick=arguments.quick)
    found |= {"start-up": start_up(3), **_manifest(device, arguments.threads)}
    out = arguments.out or Path(__file__).parent / "results" / f"speed_{device}.json"
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def on_cpu(folder: Path, repeats: int) -> dict[str, Any]:
    """Return the costs on the demo's texts and graph."""
    study = demo_study(folder, SIZES["short"])
    examples = sorted(study.split(0).train[:256], key=lambda example: len(example.text))
    material = Material(study.graph, study.features, study.linker, study.backbone, (examples,))
    lanes = [_demo_lane(ARMS[name], material) for name in MEASURED]
    texts = [example.text for example in examples]
    return _raced(lanes, repeats, 1) | {
        "setting": "MiniLM-L6, names of ICD-10-CM, Human Phenotype Ontology",
        "linking": _linking(lanes[1], texts),
    }


def on_gpu(folder: Path, repeats: int) -> dict[str, Any]:
    """Return the costs for BERT-base's shape and an invented graph."""
    lanes = _invented_lanes(folder, "cuda", 100_000, ("plain", "knowledge", "no edges"))
    found = _raced(lanes, repeats, 20)
    memory = [peak_memory(lane) for lane in lanes]
    for row, bytes_taken in zip(found["arms"], memory, strict=False):
        row["peak memory"] = round((bytes_taken or 0) / (memory[0] or 1), 3)
    setting = f"BERT-base's shape, bfloat16, {LENGTH} tokens, 100,000 entities, 500,000 edges"
    return found | {"setting": setting}


def _raced(lanes: Sequence[Lane], repeats: int, block: int) -> dict[str, Any]:
    """Return training, inference and the loader's share of each lane."""
    trained = race(lanes, "training", repeats=repeats, block=block)
    loader = race(lanes[:2], "loader", repeats=repeats, block=block)
    knowing = next(lane for lane in lanes if lane.name == "knowledge")
    looking_up = replace(knowing, name="knowledge, precomputed", spent={})
    looking_up.processor = _copy(knowing.processor)
    looking_up.processor.use_vectors(knowing.model.precompute(knowing.processor))
    answered = race([*lanes, looking_up], "inference", repeats=repeats, block=block)
    rows = {row["arm"]: row for row in answered}
    for row in trained:
        rows[row["arm"]] = row | rows[row["arm"]]
    return {"arms": list(rows.values()), "loader": loader}


def _demo_lane(arm: Arm, material: Material) -> Lane:
    # TransE's vectors cost a training of their own, and a step the same as any of their length.
    changed = material if arm.name == "ERNIE" else arm.change(material, 0)
    model = KGBertForSequenceClassification.from_backbone(
        material.backbone, material.graph, labels=("a", "b"), pooling="mean", **arm.options
    )
    processor = KGBertProcessor(
        AutoTokenizer.from_pretrained(material.backbone),
        changed.graph,
        changed.features,
        linker=changed.linker,
        max_length=160,
        trees=changed.trees,
    )
    encoded = processor.encode([example.text for example in changed.parts[0]])
    return Lane(arm.name, model, processor, _batches(encoded, BATCH["cpu"]))


def by_size(folder: Path, device: str, repeats: int, *, quick: bool) -> list[Row]:
    """Return a training step with a large graph beside one with a small graph."""
    large = 10_000_000 if device == "cuda" else 1_000_000
    sizes = (10_000, large // 10 if quick else large)
    lanes = [_invented_lanes(folder, device, size, ("knowledge",))[0] for size in sizes]
    for lane, size in zip(lanes, sizes, strict=True):
        lane.name = f"{size:,} entities"
    return race(lanes, "training", repeats=repeats, block=20 if device == "cuda" else 1)


def _invented_lanes(folder: Path, device: str, entities: int, arms: Sequence[str]) -> list[Lane]:
    graph = synthetic_graph(entities, 5 * entities)
    tokenizer = AutoTokenizer.from_pretrained(checked_backbone())
    shape = BertConfig() if device == "cuda" else BertConfig.from_pretrained(checked_backbone())
    place = folder / str(entities)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(shape).save_pretrained(place)
    features = synthetic_features(graph, shape.hidden_size, place / "features")
    processor = KGBertProcessor(tokenizer, graph, features, linker=lambda texts: [])
    size = BATCH[device]
    texts = synthetic_texts(4 * size, LENGTH, graph, vocabulary=shape.vocab_size)
    return [
        Lane(
            name,
            KGBertForSequenceClassification.from_backbone(
                str(place), graph, labels=("a", "b"), **ARMS[name].options
            ).to(device),
            processor,
            _batches(texts, size),
            device,
        )
        for name in arms
    ]


def _batches(encoded: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [encoded[start : start + size] for start in range(0, len(encoded), size)]


def _copy(processor: KGBertProcessor) -> KGBertProcessor:
    return KGBertProcessor(
        processor.tokenizer,
        processor.graph,
        processor.features,
        linker=processor.linker,
        max_length=processor.max_length,
    )


def _linking(lane: Lane, texts: Sequence[str]) -> dict[str, float]:
    """Return what tokenising and linking cost a text, once, beside a step of training."""
    lane.processor.linker(texts[:32])
    start = time.process_time()
    lane.processor.linker(texts)
    linked = 1000 * (time.process_time() - start) / len(texts)
    step = 1000 * median(spent[1] for spent in lane.spent["training"]) / len(lane.batches[0])
    return {"ms a text": round(linked, 3), "of a training step": round(linked / step, 3)}


def start_up(repeats: int) -> dict[str, float]:
    """Return the seconds of the processor that the command and the import take."""
    commands = {
        "python": ["-c", ""],
        "import kgbert": ["-c", "import kgbert"],
        "kgbert --help": ["-c", "from kgbert.cli import main; main(['--help'])"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {name: round(median(seconds), 3) for name, seconds in found.items()}


def _manifest(device: str, threads: int) -> dict[str, Any]:
    return {
        "question": (__doc__ or "").splitlines()[0],
        "versions": {"python": platform.python_version()} | {x: version(x) for x in PACKAGES},
        "hardware": {
            "processor": f"{os.cpu_count()} x {platform.machine()}",
            "threads": threads,
            "accelerator": torch.cuda.get_device_name() if device == "cuda" else "none",
            "load": round(os.getloadavg()[0], 1),
        },
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


if __name__ == "__main__":
    main()
