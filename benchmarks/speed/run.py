"""What does knowledge cost, beside the plain encoder?

All arms are measured in one process on the same batches, in turns of a few steps, and told as their
throughput over the plain encoder's, in bfloat16; inference on the demo's texts in float32 too, in
which ``kgbert.pipeline`` answers unless it is asked for the other. On a CPU that is MiniLM on the
demo's texts with the Human Phenotype Ontology. On a GPU it is an encoder of BERT-base's shape with
random weights on texts of 128 tokens, a tenth of them linked into an invented graph of 100,000
entities and 500,000 edges; with --invented a CPU reads the same with an encoder of MiniLM's shape.
A step includes padding and sampling in the same process, which the plain encoder spares; that two
workers of a loader do it ahead of the model is told apart, and so is linking, which is done once a
text.

    python -m benchmarks.speed.run                              # on two cores; some ten minutes
    python -m benchmarks.speed.run --invented                   # the same, some ten minutes
    python -m benchmarks.speed.run --device cuda [--compile]    # on a GPU
    python -m benchmarks.speed.run --invented --tiny            # tries the latter's way on a CPU
    python -m benchmarks.speed.data_parallel --processes 2  # how far a second process helps
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from benchmarks import RESULTS
from benchmarks.speed.child_process import memory_in_gib, run_module
from benchmarks.speed.equivalence import disagreements
from benchmarks.speed.import_time import start_up
from benchmarks.speed.synthetic import synthetic_features, synthetic_graph, synthetic_texts
from benchmarks.speed.tables import DISTANCE, PEAK, SINGLE, WAITED
from benchmarks.speed.timing import Lane, peak_gpu_memory, race, waiting
from kgbert.comparison.arms.arm import Arm, RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.demo.study import RECIPES, SIZES, checked_backbone, demo_study
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.auto import KGBertForSequenceClassification

MEASURED = ("plain", "knowledge", "no-edges", "verbalized-context", "k-bert", "ernie", "knowbert")
#: What an invented graph without names can feed.
INVENTED = ("plain", "knowledge", "no-edges", "ernie", "knowbert")
#: A shape that computes less than the demo's, which reads knowledge after two blocks.
ONE_BLOCK = replace(
    ARMS["knowledge"], name="knowledge, after one block", options={"injected_layers": [-1]}
)
#: What is shaped as the demo's knowledge is.
OURS = ("knowledge", "no-edges", ONE_BLOCK.name)
BATCH = 32
#: Steps on short texts that an arm takes in a row; one on long texts takes as long as these.
BLOCK = 4
PACKAGES = ("kgbert", "torch", "transformers", "torch-geometric", "numpy")


@dataclass(frozen=True)
class Setting:
    """An encoder with random weights, and how much it has to read."""

    shape: BertConfig
    entities: int
    large: int
    """Entities of the graph whose step is measured beside one with a tenth of ``entities``."""
    batch: int
    length: int
    block: int
    """Steps that an arm takes in a row."""

    def told(self) -> str:
        """Return it in words."""
        return (
            f"random weights, {self.shape.num_hidden_layers} layers of {self.shape.hidden_size}, "
            f"bfloat16, {self.batch} texts of {self.length} tokens, a tenth of them linked, "
            f"{self.entities:,} entities, {5 * self.entities:,} edges"
        )


SETTINGS = {
    "cuda": Setting(BertConfig(), 100_000, 10_000_000, batch=64, length=128, block=20),
    "cpu": Setting(
        BertConfig(
            hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
        ),
        entities=100_000,
        large=10_000_000,
        batch=32,
        length=128,
        block=1,
    ),
    "tiny": Setting(
        BertConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128
        ),
        entities=2_000,
        large=5_000,
        batch=4,
        length=32,
        block=1,
    ),
}


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--invented", action="store_true", help="the GPU's texts and graph on a CPU"
    )
    parser.add_argument("--tiny", action="store_true", help="a small encoder and small graphs")
    parser.add_argument("--compile", action="store_true", help="compile all models, pad to buckets")
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-of", choices=MEASURED, help="only train an arm, tell its memory")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory_of:
            print(json.dumps(memory_of(arguments.memory_of, Path(folder))))
            return
        found = _found(arguments, Path(folder))
    found |= {"start-up": start_up(5), **_manifest(arguments.device, arguments.threads)}
    told = json.dumps(found, indent=1)
    invented = "_invented" if arguments.invented and arguments.device == "cpu" else ""
    results = RESULTS / f"speed_{arguments.device}{invented}.json"
    if out := arguments.out or (None if arguments.tiny else results):
        out.write_text(told + "\n", encoding="utf-8")
    print(told)
    if wrong := [name for name, far in found[DISTANCE].items() if far["found"] > far["allowed"]]:
        raise SystemExit(f"not the same answers: {', '.join(wrong)}")


def _found(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    repeats = 4 if arguments.quick else 16
    if arguments.device == "cpu" and not arguments.invented:
        return on_demo(folder, repeats)
    setting = SETTINGS["tiny" if arguments.tiny else arguments.device]
    return on_invention(
        folder, setting, arguments.device, repeats=repeats, compiled=arguments.compile
    )


def on_demo(folder: Path, repeats: int) -> dict[str, Any]:
    """Return the costs on the demo's texts and graph."""
    lanes = demo_lanes(folder, [*(ARMS[name] for name in MEASURED), ONE_BLOCK])
    found = _raced(lanes, repeats, BLOCK)
    rows = {row["arm"]: row for row in found["arms"]}
    for row in race([*lanes, *_precomputed(lanes)], SINGLE, repeats=repeats, block=BLOCK):
        rows[row["arm"]] |= row
    for name in ("plain", "knowledge"):
        own = run_module(__spec__.name, "--memory-of", name)
        rows[name] |= {PEAK: own[PEAK]}
    return found | {
        "setting": "MiniLM-L6, names of ICD-10-CM, Human Phenotype Ontology",
        "linking": _linking(lanes[1]),
    }


def memory_of(name: str, folder: Path) -> dict[str, float]:
    """Return what training an arm takes of the memory, in a process where nothing else was done."""
    (lane,) = demo_lanes(folder, [ARMS[name]])
    for number in range(len(lane.batches)):
        lane.train(number)
    return {PEAK: memory_in_gib("VmHWM")}


def on_invention(
    folder: Path, setting: Setting, device: str, *, repeats: int, compiled: bool
) -> dict[str, Any]:
    """Return the costs for a random encoder and an invented graph."""
    lanes = invented_lanes(folder, setting, device, INVENTED)
    large = [
        invented_lanes(folder, replace(setting, entities=size), device, ("knowledge",))[0]
        for size in (setting.entities // 10, setting.large)
    ]
    for lane in large:
        lane.name = f"{len(lane.processor.graph):,} entities"
    for lane in (*lanes, *large) if compiled else ():
        lane.wrapped, lane.bucketed = torch.compile(lane.model, dynamic=False), True
    found = _raced(lanes, repeats, setting.block)
    sizes = race(large, "training", repeats=repeats, block=setting.block)
    if device == "cuda":
        peaks = [peak_gpu_memory(lane) for lane in (*lanes, *large)]
        for row, peak in zip((*found["arms"][: len(lanes)], *sizes), peaks, strict=True):
            row["peak memory"] = round(peak / peaks[0], 3)
    return found | {
        "graph sizes": sizes,
        "setting": f"{setting.told()}{', compiled' if compiled else ''}",
    }


def _raced(lanes: Sequence[Lane], repeats: int, block: int) -> dict[str, Any]:
    """Return training, inference and the loader's share of each lane."""
    trained = race(lanes, "training", repeats=repeats, block=block)
    loader = race(lanes[:2], "loader", repeats=repeats, block=block)
    answered = race([*lanes, *_precomputed(lanes)], "inference", repeats=repeats, block=block)
    rows = {row["arm"]: row for row in answered}
    for row in trained:
        rows[row["arm"]] = row | rows[row["arm"]]
    return {"arms": list(rows.values()), "loader": loader} | {
        WAITED: waiting(lanes[1], 3 * repeats),
        # Last, since it opens gates; and with vectors made anew, since waiting trains.
        DISTANCE: disagreements(lanes[1], _looking_up(lanes[1])),
    }


def _precomputed(lanes: Sequence[Lane]) -> list[Lane]:
    return [_looking_up(lane) for lane in lanes if lane.name.startswith("knowledge")]


def _looking_up(knowing: Lane) -> Lane:
    """Return the same lane with the vectors of all entities computed beforehand."""
    processor = _copy(knowing.processor)
    processor.use_vectors(knowing.model.precompute(knowing.processor))
    return replace(knowing, name=f"{knowing.name}, precomputed", processor=processor, spent={})


def demo_lanes(folder: Path, arms: Sequence[Arm]) -> list[Lane]:
    """Return arms on the demo's texts, those of about one length together."""
    study = demo_study(folder, SIZES["short"])
    examples = sorted(study.split(0).train[:256], key=lambda example: len(example.text))
    inputs = RunInputs(study.graph, study.features, study.linker, study.backbone, (examples,))
    return [_demo_lane(arm, inputs) for arm in arms]


def _demo_lane(arm: Arm, inputs: RunInputs) -> Lane:
    # TransE's vectors cost a training of their own, and a step the same as any of their length.
    changed = inputs if arm.name == "ernie" else arm.transform(inputs, 0)
    shape = RECIPES["knowledge" if arm.name in OURS else "plain"]
    model = KGBertForSequenceClassification.from_backbone(
        inputs.backbone, inputs.graph, labels=("a", "b"), **shape.options | arm.options
    )
    processor = KGBertProcessor(
        AutoTokenizer.from_pretrained(inputs.backbone),
        changed.graph,
        changed.features,
        linker=changed.linker,
        hops=model.config.graph_layers,
        max_length=shape.max_length,
        expander=changed.expander,
    )
    encoded = processor.encode([example.text for example in changed.parts[0]])
    return Lane(arm.name, model, processor, _batches(encoded, BATCH))


def invented_lanes(folder: Path, setting: Setting, device: str, names: Sequence[str]) -> list[Lane]:
    """Return arms with random weights on invented texts and an invented graph."""
    graph = synthetic_graph(setting.entities, 5 * setting.entities)
    shape = setting.shape
    place = folder / str(setting.entities)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(shape).save_pretrained(place)
    features = synthetic_features(graph, shape.hidden_size, place / "features")
    tokenizer = AutoTokenizer.from_pretrained(checked_backbone())
    processor = KGBertProcessor(tokenizer, graph, features, linker=lambda texts: [])
    texts = synthetic_texts(4 * setting.batch, setting.length, graph, vocabulary=shape.vocab_size)
    return [
        Lane(
            name,
            KGBertForSequenceClassification.from_backbone(
                str(place), graph, labels=("a", "b"), **ARMS[name].options
            ).to(device),
            processor,
            _batches(texts, setting.batch),
            device,
        )
        for name in names
    ]


def _batches(encoded: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [encoded[start : start + size] for start in range(0, len(encoded), size)]


def _copy(processor: KGBertProcessor) -> KGBertProcessor:
    return KGBertProcessor(
        processor.tokenizer,
        processor.graph,
        processor.features,
        linker=processor.linker,
        hops=processor.sampler.hops,
        max_length=processor.max_length,
    )


def _linking(lane: Lane) -> dict[str, float]:
    """Return what linking costs a text, once, beside a step of training."""
    texts = [encoded.text for batch in lane.batches for encoded in batch]
    lane.processor.linker(texts[:32])
    start = time.process_time()
    lane.processor.linker(texts)
    linked = 1000 * (time.process_time() - start) / len(texts)
    steps = median(spent[1] for spent in lane.spent["training"])
    step = 1000 * steps / BLOCK / len(lane.batches[0])
    return {"ms a text": round(linked, 3), "of a training step": round(linked / step, 3)}


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
