"""What do grounded labels cost? Time relative to the plain model, measured in one process.

Training: steps with all ICD-10-CM categories that have terms as labels, compared with the plain
model with the same labels (goal: at least 0.85 of its speed). Prediction: many synthetic labels,
compared with the plain model with as many labels (goal: at most 1.2 of its time). The models take
turns, so that all see the same load of the machine; the ratio is that of the medians.

    python -m benchmarks.grounding.cost

writes benchmarks/results/grounding_cost.json.
"""

import argparse
import json
import os
import platform
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.alternating_timing import alternating
from kgbert.data import Example
from kgbert.demo.icd import categories, inclusion_terms, tree
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import EntityFeatures
from kgbert.features.label_sets import LabelSets
from kgbert.features.pretrained import load_config
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.models.base import KGBertPreTrainedModel
from kgbert.tasks.base import EncodedExample, Task
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig
from kgbert.training.dataset import KGBertCollator, TrainingExamples
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import TrainingInputs, build_model
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "grounding_cost.json"

BATCH = 32


def main() -> None:
    """Measure both ratios, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--labels", type=int, default=100_000, help="labels in prediction")
    parser.add_argument("--texts", type=int, default=2 * BATCH, help="texts in prediction")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    result = {
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "threads": arguments.threads,
        "training": training_cost(arguments.repeats),
        "prediction": prediction_cost(arguments.labels, arguments.texts, arguments.repeats),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps({name: result[name] for name in ("training", "prediction")}, indent=1))
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")


def medians(steps: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each step."""
    seconds = alternating(steps, repeats)
    return {name: round(median(each), 4) for name, each in seconds.items()}


def training_cost(repeats: int) -> dict[str, Any]:
    """Return the seconds of a training step with and without the entities of labels."""
    known = categories()
    terms = [x for x in inclusion_terms() if x.target in known]
    codes = sorted({x.target for x in terms})
    graph = tree(codes)
    task = TASKS["text-classification"]
    steps = {}
    for name, options in _options().items():
        model, processor = _model(graph, task, codes, terms, options)
        dataset = TrainingExamples(task, processor, terms[:BATCH], model.config)
        collator = KGBertCollator(task, processor)
        optimizer = torch.optim.AdamW(model.parameters())
        steps[name] = _training_step(model.train(), dataset, collator, optimizer)
    seconds = medians(steps, repeats)
    return {
        "labels": len(codes),
        "batch_size": BATCH,
        "seconds": seconds,
        "relative_speed": {
            name: round(seconds["plain"] / each, 3) for name, each in seconds.items()
        },
        "goal": 0.85,
    }


def _options() -> dict[str, dict[str, Any]]:
    nothing: dict[str, Any] = {"injected_layers": []}
    return {
        "plain": nothing | {"label_vectors": False, "path_steps": 0},
        "label vectors": nothing | {"path_steps": 0},
        "label vectors and paths": nothing,
    }


def _model(
    graph: KnowledgeGraph,
    task: Task,
    codes: Sequence[str],
    train: Sequence[Example],
    options: dict[str, Any],
) -> tuple[KGBertPreTrainedModel, KGBertProcessor]:
    backbone = str(checked_backbone())
    vectors = np.zeros((len(graph), load_config(backbone).hidden_size), np.float16)
    features = EntityFeatures(vectors, backbone, "", graph.hash)
    grounding = ground(codes, graph, mapping={code: code for code in codes})
    inputs = TrainingInputs(
        task.declaring(codes),
        graph,
        features,
        make_linker(graph, "dictionary"),
        backbone,
        grounding=grounding,
        path_steps=2,
    )
    return build_model(inputs, train, TrainingConfig(), seed=0, options=options)


def _training_step(
    model: KGBertPreTrainedModel,
    dataset: TrainingExamples,
    collator: KGBertCollator,
    optimizer: torch.optim.Optimizer,
) -> Callable[[], None]:
    def step() -> None:
        batch = collator([dataset[place] for place in range(len(dataset))])
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def prediction_cost(count: int, texts: int, repeats: int) -> dict[str, Any]:
    """Return the seconds of a prediction with and without the entities of labels."""
    graph = tree(sorted({x.target for x in inclusion_terms()} & categories()))
    task = TASKS["text-classification"]
    terms = inclusion_terms()[:texts]
    codes = sorted({x.target for x in terms})
    steps = {}
    for name, options in _options().items():
        if "paths" in name:
            continue
        model, processor = _model(graph, task, codes, terms, options)
        pipeline = KGBertPipeline(model, processor, task)
        pipeline.model, pipeline.processor = _with_many_labels(pipeline, count)
        encoded = task.encode(terms, processor)
        steps[name] = _prediction(pipeline, encoded)
    seconds = medians(steps, repeats)
    return {
        "labels": count,
        "texts": texts,
        "seconds": seconds,
        "relative_time": {
            name: round(each / seconds["plain"], 3) for name, each in seconds.items()
        },
        "goal": 1.2,
    }


def _prediction(
    pipeline: KGBertPipeline, encoded: Sequence[EncodedExample]
) -> Callable[[], object]:
    return lambda: pipeline.predict_encoded(encoded, batch_size=BATCH)


def _with_many_labels(
    pipeline: KGBertPipeline, count: int
) -> tuple[KGBertPreTrainedModel, KGBertProcessor]:
    """Return a model and a processor with synthetic labels, each described by two texts."""
    names = [f"L{place}" for place in range(count)]
    model, processor = pipeline.model, pipeline.processor
    hidden = model.config.backbone.hidden_size
    for part in (model.config, model.config.backbone):
        part.id2label = dict(enumerate(names))
    model.backbone.classifier = torch.nn.Linear(hidden, count)
    if processor.label_sets is not None:
        words = [x.text for x in inclusion_terms()]
        generator = np.random.default_rng(0)
        chosen = generator.integers(len(words), size=2 * count).tolist()
        sets = LabelSets(
            generator.standard_normal((2 * count, hidden), np.float32).astype(np.float16),
            np.arange(0, 2 * count + 1, 2),
            np.zeros(2 * count, np.int64),
            tuple(names),
            tuple(names),
            tuple(f"{words[place]} {row}" for row, place in enumerate(chosen)),
            "",
            "",
        )
        model.use_label_sets(sets)
        processor.use_label_sets(sets)
    return model, processor


if __name__ == "__main__":
    main()
