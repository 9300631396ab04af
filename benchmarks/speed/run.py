"""What does knowledge cost, compared with the plain encoder?

All arms are timed in one process on the same batches, in alternating blocks, and reported as
throughput relative to the plain encoder, in bfloat16; inference on names of diagnoses also in
float32, the default of ``kgbert.pipeline``. On a CPU the encoder is MiniLM, on the texts
of ``benchmarks.diagnoses`` with the Human Phenotype Ontology. On a GPU it is a random encoder of
BERT-base's shape, on texts of 128 tokens of which a tenth is linked into a synthetic graph of
100,000 entities and 500,000 edges; ``--synthetic`` does the same on a CPU with MiniLM's shape. A
step includes padding and neighbour sampling in the same process, which the plain encoder does not
need; the time spent waiting for two loader workers, and the time of linking (once per text), are
reported separately.

    python -m benchmarks.speed.run                              # two cores, about ten minutes
    python -m benchmarks.speed.run --synthetic                  # likewise
    python -m benchmarks.speed.run --device cuda [--compile]    # on a GPU
    python -m benchmarks.speed.run --synthetic --tiny --quick   # smallest run, writes no result
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig

from benchmarks import RESULTS
from benchmarks.diagnoses.run import RECIPES, SIZES, diagnoses_study
from benchmarks.environment import environment
from benchmarks.speed.child_process import memory_in_gib, run_module
from benchmarks.speed.equivalence import logit_deviations
from benchmarks.speed.import_time import start_up
from benchmarks.speed.synthetic import synthetic_features, synthetic_graph, synthetic_texts
from benchmarks.speed.tables import DISTANCE, PEAK, SINGLE, WAITED
from benchmarks.speed.timing import Case, compare_throughput, loader_wait_share, peak_gpu_memory
from kgbert.comparison.arms.arm import Arm, RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.models.task_models import KGBertForSequenceClassification

MEASURED = ("plain", "knowledge", "no-edges", "verbalized-context", "k-bert", "ernie", "knowbert")
#: Arms that need no names, so that a synthetic graph suffices.
SYNTHETIC = ("plain", "knowledge", "no-edges", "ernie", "knowbert")
#: A cheaper variant than that of the diagnoses, which injects after two blocks.
ONE_BLOCK = replace(
    ARMS["knowledge"], name="knowledge, after one block", options={"injected_layers": [-1]}
)
#: Arms with the configuration of the knowledge arm of the diagnoses.
KNOWLEDGE_ARMS = ("knowledge", "no-edges", ONE_BLOCK.name)
BATCH = 32
#: Consecutive steps of an arm on short texts; one step on long texts takes as long.
BLOCK = 4
PACKAGES = ("kgbert", "torch", "transformers", "torch-geometric", "numpy")


@dataclass(frozen=True)
class Setting:
    """A random encoder, and the size of its texts and graph."""

    shape: BertConfig
    entities: int
    large: int
    """Entities of the large graph that is compared with one of a tenth of ``entities``."""
    batch: int
    length: int
    block: int
    """Consecutive steps of an arm."""

    def describe(self) -> str:
        """Return the setting as a phrase."""
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
    """Measure all arms and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--synthetic", action="store_true", help="synthetic texts and graph on a CPU"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="tiny encoder and graphs; no result is written"
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile all models and pad to buckets"
    )
    parser.add_argument("--quick", action="store_true", help="4 rounds instead of 16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--memory-of", choices=MEASURED, help="only measure the memory of training this arm"
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory_of:
            print(json.dumps(memory_of(arguments.memory_of, Path(folder))))
            return
        found = _measurements(arguments, Path(folder))
    found |= {"start-up": start_up(5), **_manifest(arguments.device)}
    text = json.dumps(found, indent=1)
    suffix = "_synthetic" if arguments.synthetic and arguments.device == "cpu" else ""
    results = RESULTS / f"speed_{arguments.device}{suffix}.json"
    if out := arguments.out or (None if arguments.tiny else results):
        out.write_text(text + "\n", encoding="utf-8")
    print(text)
    if wrong := [name for name, far in found[DISTANCE].items() if far["found"] > far["allowed"]]:
        raise SystemExit(f"logits deviate by more than the tolerance: {', '.join(wrong)}")


def _measurements(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    repeats = 4 if arguments.quick else 16
    if arguments.device == "cpu" and not arguments.synthetic:
        return measure_diagnoses(folder, repeats)
    setting = SETTINGS["tiny" if arguments.tiny else arguments.device]
    return measure_synthetic(
        folder, setting, arguments.device, repeats=repeats, compiled=arguments.compile
    )


def measure_diagnoses(folder: Path, repeats: int) -> dict[str, Any]:
    """Return the costs on names of diagnoses."""
    cases = diagnoses_cases(folder, [*(ARMS[name] for name in MEASURED), ONE_BLOCK])
    found = _measure(cases, repeats, BLOCK)
    rows = {row["arm"]: row for row in found["arms"]}
    for row in compare_throughput(
        [*cases, *_precomputed(cases)], SINGLE, repeats=repeats, block=BLOCK
    ):
        rows[row["arm"]] |= row
    for name in ("plain", "knowledge"):
        own = run_module(__spec__.name, "--memory-of", name)
        rows[name] |= {PEAK: own[PEAK]}
    return found | {
        "setting": "MiniLM-L6, names of ICD-10-CM, Human Phenotype Ontology",
        "linking": _linking(cases[1]),
    }


def memory_of(name: str, folder: Path) -> dict[str, float]:
    """Return the peak memory of training an arm, in a process that did nothing else."""
    (case,) = diagnoses_cases(folder, [ARMS[name]])
    for number in range(len(case.batches)):
        case.train(number)
    return {PEAK: memory_in_gib("VmHWM")}


def measure_synthetic(
    folder: Path, setting: Setting, device: str, *, repeats: int, compiled: bool
) -> dict[str, Any]:
    """Return the costs with a random encoder and a synthetic graph."""
    cases = synthetic_cases(folder, setting, device, SYNTHETIC)
    large = [
        synthetic_cases(folder, replace(setting, entities=size), device, ("knowledge",))[0]
        for size in (setting.entities // 10, setting.large)
    ]
    for case in large:
        case.name = f"{len(case.processor.graph):,} entities"
    for case in (*cases, *large) if compiled else ():
        case.wrapped = cast(torch.nn.Module, torch.compile(case.model, dynamic=False))
        case.bucketed = True
    found = _measure(cases, repeats, setting.block)
    sizes = compare_throughput(large, "training", repeats=repeats, block=setting.block)
    if device == "cuda":
        peaks = [peak_gpu_memory(case) for case in (*cases, *large)]
        for row, peak in zip((*found["arms"][: len(cases)], *sizes), peaks, strict=True):
            row["peak memory"] = round(peak / peaks[0], 3)
    return found | {
        "graph sizes": sizes,
        "setting": f"{setting.describe()}{', compiled' if compiled else ''}",
    }


def _measure(cases: Sequence[Case], repeats: int, block: int) -> dict[str, Any]:
    """Return training, inference and loader times of all cases."""
    trained = compare_throughput(cases, "training", repeats=repeats, block=block)
    loader = compare_throughput(cases[:2], "loader", repeats=repeats, block=block)
    answered = compare_throughput(
        [*cases, *_precomputed(cases)], "inference", repeats=repeats, block=block
    )
    rows = {row["arm"]: row for row in answered}
    for row in trained:
        rows[row["arm"]] = row | rows[row["arm"]]
    return {"arms": list(rows.values()), "loader": loader} | {
        WAITED: loader_wait_share(cases[1], 3 * repeats),
        # Last, since this opens the gates; vectors are recomputed since the weights have changed.
        DISTANCE: logit_deviations(cases[1], _with_precomputed_vectors(cases[1])),
    }


def _precomputed(cases: Sequence[Case]) -> list[Case]:
    return [_with_precomputed_vectors(case) for case in cases if case.name.startswith("knowledge")]


def _with_precomputed_vectors(case: Case) -> Case:
    """Return the same case with precomputed entity vectors."""
    processor = _copy(case.processor)
    processor.use_vectors(case.model.precompute(case.processor))
    return replace(case, name=f"{case.name}, precomputed", processor=processor, timings={})


def diagnoses_cases(folder: Path, arms: Sequence[Arm]) -> list[Case]:
    """Return arms on names of diagnoses, sorted by length."""
    study = diagnoses_study(folder, SIZES["small"])
    examples = sorted(study.split(0).train[:256], key=lambda example: len(example.text))
    inputs = RunInputs(
        study.graph, study.features, study.linker, study.backbone, (examples,), study.task
    )
    return [_diagnoses_case(arm, inputs) for arm in arms]


def _diagnoses_case(arm: Arm, inputs: RunInputs) -> Case:
    # TransE vectors need a training of their own; a step costs the same with any vectors.
    changed = inputs if arm.name == "ernie" else arm.transform(inputs, 0)
    shape = RECIPES["knowledge" if arm.name in KNOWLEDGE_ARMS else "plain"]
    model = KGBertForSequenceClassification.from_backbone(
        inputs.backbone, inputs.graph, labels=("a", "b"), **{**shape.options, **arm.options}
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
    return Case(arm.name, model, processor, _batches(encoded, BATCH))


def synthetic_cases(
    folder: Path, setting: Setting, device: str, names: Sequence[str]
) -> list[Case]:
    """Return arms with random weights on synthetic texts and a synthetic graph."""
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
        Case(
            name,
            KGBertForSequenceClassification.from_backbone(
                str(place), graph, labels=("a", "b"), **ARMS[name].options
            ).to(device),  # type: ignore[arg-type]  # a wrapper of transformers hides its self
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


def _linking(case: Case) -> dict[str, float]:
    """Return the time of linking a text, absolute and relative to a training step."""
    texts = [encoded.text for batch in case.batches for encoded in batch]
    case.processor.linker(texts[:32])
    start = time.process_time()
    case.processor.linker(texts)
    linked = 1000 * (time.process_time() - start) / len(texts)
    steps = median(seconds[1] for seconds in case.timings["training"])
    step = 1000 * steps / BLOCK / len(case.batches[0])
    return {"ms a text": round(linked, 3), "of a training step": round(linked / step, 3)}


def _manifest(device: str) -> dict[str, Any]:
    return {
        "question": (__doc__ or "").splitlines()[0],
        **environment(*PACKAGES, device=device),
    }


if __name__ == "__main__":
    main()
