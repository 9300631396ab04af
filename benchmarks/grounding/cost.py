"""What do grounded labels cost? Time relative to the plain model, measured in one process.

Training: steps with all ICD-10-CM categories that have terms as labels, compared with the plain
model with the same labels (goal: at most 1 / 0.85 of its time), and with many synthetic labels of
two texts each. Prediction: many synthetic labels (goal: at most 1.2 of the time of the plain
model). Only the batch and some more terms are linked and searched for paths, since a step costs the
same however many texts there are. The models take turns, so that all see the same load of the
machine; times are medians.

    python -m benchmarks.grounding.cost

writes benchmarks/results/grounding_cost.json.
"""

import argparse
import json
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.alternating_timing import alternating
from benchmarks.environment import environment
from kgbert.data import Example
from kgbert.demo.icd import categories, inclusion_terms, tree
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.features.entity_features import unread_features
from kgbert.features.label_sets import LabelSets
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

#: Terms that determine the types of path, and how much similarities count.
TERMS = 200


def main() -> None:
    """Measure all parts, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--labels", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--texts", type=int, default=2 * BATCH, help="texts in prediction")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    repeats = arguments.repeats
    parts = [
        training_cost(repeats),
        *(training_cost(repeats, count) for count in arguments.labels),
        prediction_cost(max(arguments.labels), arguments.texts, repeats),
    ]
    result = {
        "question": (__doc__ or "").splitlines()[0],
        "batch_size": BATCH,
        "texts": arguments.texts,
        "parts": parts,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **environment("kgbert", "torch", "transformers"),
    }
    print(json.dumps(parts, indent=1))
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")


def medians(steps: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each step."""
    seconds = alternating(steps, repeats)
    return {name: round(median(each), 4) for name, each in seconds.items()}


def training_cost(repeats: int, count: int | None = None) -> dict[str, Any]:
    """Return the seconds of a training step with and without the entities of labels.

    Args:
        repeats: Number of steps.
        count: Number of synthetic labels; None for the categories of ICD-10-CM.
    """
    known = categories()
    terms = [x for x in inclusion_terms() if x.target in known]
    codes = sorted({x.target for x in (terms if count is None else terms[:TERMS])})
    graph = tree(codes)
    task = TASKS["text-classification"]
    steps = {}
    for name, options in _options().items():
        if count is not None and "paths" in name:
            continue
        model, processor = _model(graph, task, codes, terms[:TERMS], options)
        if count is not None:
            _add_many_labels(model, processor, codes, count)
        dataset = TrainingExamples(task, processor, terms[:BATCH], model.config)
        collator = KGBertCollator(task, processor)
        optimizer = torch.optim.AdamW(model.parameters())
        steps[name] = _training_step(model.train(), dataset, collator, optimizer)
    labels = len(codes) if count is None else count
    seconds = medians(steps, repeats)
    return {"what": "training step", "labels": labels, "seconds": seconds}


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
    features = unread_features(graph, backbone)
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
        _add_many_labels(model, processor, (), count)
        pipeline = KGBertPipeline(model, processor, task)
        steps[name] = _prediction(pipeline, task.encode(terms, processor))
    return {"what": "prediction", "labels": count, "seconds": medians(steps, repeats)}


def _prediction(
    pipeline: KGBertPipeline, encoded: Sequence[EncodedExample]
) -> Callable[[], object]:
    return lambda: pipeline.predict_encoded(encoded, batch_size=BATCH)


def _add_many_labels(
    model: KGBertPreTrainedModel,
    processor: KGBertProcessor,
    codes: Sequence[str],
    count: int,
) -> None:
    """Give a model and its processor synthetic labels, each described by two texts.

    Args:
        model: The model.
        processor: Its processor.
        codes: The first labels.
        count: Number of labels.
    """
    names = [*codes, *(f"L{place}" for place in range(len(codes), count))]
    hidden = model.config.backbone.hidden_size
    model.config.untrained_labels = []
    for part in (model.config, model.config.backbone):
        part.id2label = dict(enumerate(names))
        part.label2id = {label: place for place, label in enumerate(names)}
    model.backbone.num_labels = count
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


if __name__ == "__main__":
    main()
