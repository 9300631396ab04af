"""What does an explanation cost? Its time relative to that of one prediction, in one process.

A model of the size of MiniLM reads a synthetic graph. The text has ten mentions in thirty words;
its words, mentions, entities and 32 edges are explained by removal. Goal: mentions, entities and
edges in at most ten times the time of the prediction. A word costs a pass through all blocks,
because it changes the tokens. Short texts with two or three mentions are explained one by one and
together: the ratio says how much faster common batches are. Prediction and explanations take turns,
so that all see the same load of the machine; each ratio is the median of the ratios of the rounds.

    python -m benchmarks.explanation.cost

writes benchmarks/results/explanation_cost.json.
"""

import argparse
import json
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.alternating_timing import alternating
from benchmarks.environment import environment
from kgbert.demo.study import checked_backbone
from kgbert.encoding.processor import KGBertProcessor
from kgbert.explanation.explain import explain
from kgbert.explanation.parts import EDGES, ENTITIES, MENTIONS, WORDS
from kgbert.features.entity_features import EntityFeatures
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.models.task_models import KGBertForSequenceClassification
from kgbert.tasks.registry import TASKS
from kgbert.training.pipeline import KGBertPipeline
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "explanation_cost.json"

GOAL = 10.0

#: Names of entities that occur in no other word of the text.
NAMES = (
    "fever", "cough", "pneumonia", "asthma", "anaemia", "sepsis", "stroke", "gout", "measles",
    "malaria",
)  # fmt: skip

TEXT = (
    "A patient with fever and cough had pneumonia after asthma, anaemia and sepsis; a stroke, "
    "gout, measles and malaria were found in the history of her family last year."
)

#: A file of short texts.
SHORT_TEXTS = tuple(
    f"{pattern.format(first, second)} {number}"
    for number, (first, second) in enumerate(zip(NAMES[::2] * 3, NAMES[1::2] * 3, strict=True), 1)
    for pattern in ("{} with {}, case", "no sign of {} or of {} in patient")
)[:16]

#: What is explained, by the name of its ratio.
EXPLAINED = {
    "all": (WORDS, MENTIONS, ENTITIES, EDGES),
    "mentions, entities and edges": (MENTIONS, ENTITIES, EDGES),
    "mentions and entities": (MENTIONS, ENTITIES),
    "words": (WORDS,),
}


#: What is explained of the short texts.
SHORT_PARTS = (MENTIONS, ENTITIES, EDGES)


def main() -> None:
    """Measure the ratios, and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--entities", type=int, default=500, help="entities of the graph")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    silence_libraries()
    model = synthetic_model(arguments.entities)
    result = {
        **environment("kgbert", "torch", "transformers"),
        "words": len(TEXT.split()),
        "goal": GOAL,
        **cost(model, arguments.repeats),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result, indent=1))
    write_atomically(arguments.out, json.dumps(result, indent=1) + "\n")


def synthetic_model(entities: int) -> KGBertPipeline:
    """Return a model with the default options that reads a synthetic graph."""
    graph, backbone = synthetic_graph(entities), str(checked_backbone())
    torch.manual_seed(0)
    model = KGBertForSequenceClassification.from_backbone(
        backbone, graph, labels=["ill", "well", "unknown"]
    )
    with torch.no_grad():
        for parameter in model.injections.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    size = model.config.feature_size
    vectors = np.random.default_rng(0).normal(size=(entities, size)).astype(np.float16)
    features = EntityFeatures(vectors, "synthetic", "", graph.hash)
    processor = KGBertProcessor.for_model(model, graph, features)
    return KGBertPipeline(model, processor, TASKS["text-classification"])


def synthetic_graph(entities: int) -> KnowledgeGraph:
    """Return a graph in which the entities of the text have four edges each, to random others."""
    generator, builder = np.random.default_rng(0), GraphBuilder()
    for number in range(entities):
        name = NAMES[number] if number < len(NAMES) else f"entity {number:05}"
        builder.add_name(f"E:{number:05}", name)
    for number in range(entities):
        for other in generator.integers(entities, size=4).tolist():
            relation = ("causes", "is", "part of")[other % 3]
            builder.add_edge(f"E:{number:05}", relation, f"E:{other:05}")
    return builder.build(source="synthetic")


def cost(model: KGBertPipeline, repeats: int) -> dict[str, Any]:
    """Return the seconds of a prediction and of explanations, and the ratios."""
    (explained,) = explain(model, [TEXT])
    steps: dict[str, Callable[[], object]] = {"prediction": lambda: model([TEXT])}
    for name, kinds in EXPLAINED.items():
        steps[name] = partial(explain, model, [TEXT], parts=kinds)
    steps["texts together"] = partial(explain, model, SHORT_TEXTS, parts=SHORT_PARTS)
    steps["texts one by one"] = lambda: [
        explain(model, [text], parts=SHORT_PARTS) for text in SHORT_TEXTS
    ]
    seconds = alternating(steps, repeats)
    answer = explained.answers[0]
    return {
        "texts": len(SHORT_TEXTS),
        "mentions": len(answer.mentions),
        "edges": sum(len(x.edges) for mention in answer.mentions for x in mention.entities),
        "seconds": {name: round(median(each), 5) for name, each in seconds.items()},
        "ratios": {name: _ratio(seconds[name], seconds["prediction"]) for name in EXPLAINED},
        "one by one to together": _ratio(seconds["texts one by one"], seconds["texts together"]),
    }


def _ratio(seconds: list[float], prediction: list[float]) -> dict[str, float]:
    """Return the median and the quartiles of the ratios of the rounds."""
    ratios = [own / one for own, one in zip(seconds, prediction, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return {"median": round(median(ratios), 2), "low": round(low, 2), "high": round(high, 2)}


if __name__ == "__main__":
    main()
