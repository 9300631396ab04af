"""How fast and how small is an exported model, compared with the original?

The model in PyTorch (float32, precomputed entity vectors), exported to ONNX, and as int8 answers
the same texts in one process, in alternating blocks; every block has texts that no linker has
cached, so that linking and tokenization count. Reported are medians over the blocks and ratios to
PyTorch, the time of one text of 30 words, the main metric, and the start of the runtime in a
process of its own beside bare Python and beside the bare packages that it is made of.

    python -m benchmarks.speed.deployment MODEL --texts test.csv     # a few minutes
    python -m benchmarks.speed.deployment MODEL --texts test.csv --rounds 1 --out FILE
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import kgbert
import kgbert.runtime
from benchmarks import RESULTS
from benchmarks.environment import environment
from kgbert.data import Example
from kgbert.deployment.onnx_export import quantize
from kgbert.runtime.settings import MODEL_FILE
from kgbert.training.splits import examples_of

BATCH = 32
#: Words of the text whose latency is measured, and the number of such texts.
WORDS, SINGLES = 30, 20
PACKAGES = ("kgbert", "torch", "transformers", "onnxruntime", "numpy", "tokenizers")
STARTS = {
    "python": "",
    "packages": "import numpy, onnxruntime, tokenizers",
    "kgbert.runtime": "import kgbert.runtime",
}
#: What a new process does to answer a text.
ANSWER = "import kgbert, kgbert.runtime; {load}('{folder}')(['a text'])"
LOADS = {
    "pytorch": "kgbert.pipeline",
    "onnx": "kgbert.runtime.load",
    "int8": "kgbert.runtime.load",
}


def main() -> None:
    """Measure the forms of a model and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder of a saved model")
    parser.add_argument("--texts", required=True, help="labelled texts of the model's task")
    parser.add_argument("--rounds", type=int, default=7, help="blocks of each form (7)")
    parser.add_argument("--out", type=Path, default=RESULTS / "deployment.json")
    arguments = parser.parse_args()
    report = {
        "question": (__doc__ or "").splitlines()[0],
        **environment(*PACKAGES),
        "start": start_up(STARTS, max(3, arguments.rounds)),
        **measurements(arguments.model, arguments.texts, arguments.rounds),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def start_up(starts: Mapping[str, str], repeats: int) -> dict[str, dict[str, float]]:
    """Return processor seconds and peak memory of each start on Linux, alternating; medians."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    # The peak of getrusage would be that of the parent process, which was forked.
    code = "print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')).split()[1])"
    for _ in range(repeats):
        for name, statement in starts.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-c", f"{statement}\n{code}"]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found[name].append((used, float(printed) / 1024))
    return {
        name: {
            "cpu_seconds": round(median(x for x, _ in values), 3),
            "peak_mib": round(median(x for _, x in values)),
        }
        for name, values in found.items()
    }


def measurements(model: Path, texts: str, rounds: int) -> dict[str, Any]:
    """Return throughput, latency, score and size of each form."""
    with tempfile.TemporaryDirectory() as folder:
        folders = {"onnx": Path(folder) / "onnx", "int8": Path(folder) / "int8"}
        kgbert.export_onnx(model, folders["onnx"])
        shutil.copytree(folders["onnx"], folders["int8"])
        quantize(folders["int8"] / MODEL_FILE)
        saved = {"pytorch": model} | folders
        pipeline = kgbert.pipeline(model)
        pipeline.processor.use_vectors(pipeline.model.precompute(pipeline.processor))
        forms: dict[str, Callable[..., list[Any]]] = {
            "pytorch": pipeline,
            **{name: kgbert.runtime.load(place) for name, place in folders.items()},
        }
        examples = examples_of(texts, pipeline.task, None)
        task, graph = pipeline.task, pipeline.processor.graph
        gold = [task.gold(x, graph) for x in task.encode(examples, pipeline.processor)]
        report: dict[str, Any] = {
            "texts": len(examples),
            "metric": task.metric,
            "throughput": _throughput(forms, examples, rounds),
            "latency_ms": _latency(forms, examples, rounds),
            "score": {
                name: round(task.score(gold, [x.answer for x in answer(examples)])[task.metric], 4)
                for name, answer in forms.items()
            },
            "mb": {
                name: round((place / MODEL_FILE).stat().st_size / 1e6, 1)
                for name, place in folders.items()
            },
            "first_answer": start_up(
                {
                    name: ANSWER.format(load=LOADS[name], folder=place)
                    for name, place in saved.items()
                },
                max(3, rounds),
            ),
        }
    report["throughput_ratio"] = {
        name: round(median(_ratios(values, report["throughput"]["pytorch"])), 2)
        for name, values in report["throughput"].items()
    }
    return report


def _ratios(values: Sequence[float], reference: Sequence[float]) -> list[float]:
    return [value / other for value, other in zip(values, reference, strict=True)]


def _throughput(
    forms: dict[str, Callable[..., list[Any]]], examples: Sequence[Example], rounds: int
) -> dict[str, list[float]]:
    """Return texts per second in each round; the first, for warming up, is left out."""
    found: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(rounds + 1):
        fresh = [replace(x, text=f"{x.text} {number}") for x in examples]
        for name, answer in forms.items():
            started = time.perf_counter()
            answer(fresh, batch_size=BATCH)
            found[name].append(round(len(fresh) / (time.perf_counter() - started), 1))
    return {name: values[1:] for name, values in found.items()}


def _latency(
    forms: dict[str, Callable[..., list[Any]]], examples: Sequence[Example], rounds: int
) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile of one text of 30 words, in milliseconds."""
    words = " ".join(x.text for x in examples).split()
    found: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(rounds * SINGLES):
        start = number * WORDS % max(1, len(words) - WORDS)
        text = " ".join([*words[start : start + WORDS - 1], str(number)])
        for name, answer in forms.items():
            started = time.perf_counter()
            answer([text])
            found[name].append(1e3 * (time.perf_counter() - started))
    return {
        name: {
            "median": round(median(values), 2),
            "p95": round(sorted(values)[int(0.95 * len(values))], 2),
        }
        for name, values in found.items()
    }


if __name__ == "__main__":
    main()
