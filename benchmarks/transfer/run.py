"""What does a model of one domain save, and what does it lose, in another domain and graph?

For each seed, a model is trained in the source domain with its graph. Then, on fixed test texts:

- It is asked without any further training (``with_graph``): on texts of the source with its own
  graph, with the graph of the target, and without any graph; and on texts of the target with both
  graphs, where the labels are the same.
- A learning curve in the target domain, with the graph of the target: ``plain`` and ``knowledge``
  start from the plain encoder, ``plain-source`` and ``knowledge-source`` from the model of the
  source, as with ``kgbert compare --transfer``. At the largest size, the runs are also tested on
  the texts of the source, if the labels are the same, to see what was forgotten.

The protocol was written before any test score was seen; only the numbers of texts, epochs and sizes
were lowered after the first runs, to save time. Nine seeds, each with its own model of the source;
120 training texts in the source with 5 epochs; 20 and 80 in the target, nested, with 12 and 3
epochs, so that all runs of a curve have 60 steps of 4 texts. The best epoch on validation texts (24
in the source, 20 in the target) is kept, and no run stops early, because plain models may need many
epochs until they find a first mention. Learning rates are the defaults of ``kgbert train``, equal
for all arms, and nothing is tuned. The 200 test texts are the same for all seeds. Pairs of seeds
are compared by the sign-flip test.

    python -m benchmarks.transfer.run all
    python -m benchmarks.transfer.run diseases --smoke --out FOLDER

writes benchmarks/results/transfer/NAME.json after each run; what it has is not repeated.
"""

import argparse
import json
import shutil
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import RESULTS
from benchmarks.environment import environment
from benchmarks.transfer.tasks import TRANSFERS, Domain, Transfer
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS, Arm
from kgbert.comparison.arms.transfer import transfer_arms
from kgbert.comparison.arms.verdict_arms import BASELINE, MAIN
from kgbert.comparison.results import ALSO_TESTED, RunRecord
from kgbert.comparison.run import run_arm
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.linking.caching import CachingLinker
from kgbert.linking.factory import make_linker
from kgbert.linking.mention import Mention
from kgbert.tasks.registry import find_task
from kgbert.training.config import TrainingConfig
from kgbert.training.inference import evaluate
from kgbert.training.pipeline import KGBertPipeline, pipeline
from kgbert.training.train import train
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.logging import silence_libraries
from kgbert.utils.paths import without_folders

SEEDS = 9
#: Training, validation and test texts of the source, and its epochs.
SOURCE_SIZES, SOURCE_EPOCHS = (120, 24, 200), 5
#: Validation and test texts of the target, and its epochs by the number of training texts.
TARGET_SIZES, TARGET_EPOCHS = (20, 200), {20: 12, 80: 3}
BATCH_SIZE = 4

#: The name of the folder of a model of the source, after which its arms are named.
SOURCE = "source"
ARM_NAMES = (BASELINE, MAIN, f"{BASELINE}-{SOURCE}", f"{MAIN}-{SOURCE}")

Row = dict[str, Any]


def main() -> None:
    """Run what is missing of some pairs of domains, and write each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"all, or {', '.join(TRANSFERS)}")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/transfer"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=RESULTS / "transfer", metavar="FOLDER")
    parser.add_argument("--smoke", action="store_true", help="one seed and the smallest size only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    for name in TRANSFERS if arguments.names == ["all"] else arguments.names:
        run_transfer(TRANSFERS[name], name, arguments)


def run_transfer(transfer: Transfer, name: str, arguments: argparse.Namespace) -> None:
    """Run what is missing of one pair of domains."""
    path = arguments.out / f"{name}.json"
    results: dict[str, Any] = {"asked": [], "runs": []}
    if path.exists():
        results |= json.loads(path.read_text(encoding="utf-8"))
    bench = Bench(transfer, arguments.data, arguments.folder / name)
    sizes = dict(list(TARGET_EPOCHS.items())[: 1 if arguments.smoke else None])
    for seed in range(1 if arguments.smoke else arguments.seeds):
        asked = (row for row in results["asked"] if row["seed"] == seed)
        if not any(asked):
            results["asked"] += bench.asked(seed)
        done = {(row["size"], row["arm"]) for row in results["runs"] if row["seed"] == seed}
        for row in bench.runs(seed, sizes, done):
            results["runs"].append(row)
            write_atomically(path, json.dumps(bench.manifest() | results, indent=1) + "\n")
            bench.reporter.message(f"{name} {seed} {row['size']} {row['arm']} {row['score']:.3f}")
        shutil.rmtree(bench.seed_folder(seed), ignore_errors=True)


class Bench:
    """The graphs and texts of a pair of domains, and what is measured with a seed."""

    def __init__(self, transfer: Transfer, data: Path, folder: Path) -> None:
        self.transfer, self.folder = transfer, folder
        self.backbone, self.reporter = str(checked_backbone()), ProgressReporter()
        self.graphs = {
            name: domain.graph(data)
            for name, domain in (("source", transfer.source), ("target", transfer.target))
        }
        self.features = {name: self._features(graph) for name, graph in self.graphs.items()}
        self.linkers = {
            name: CachingLinker(make_linker(graph, "dictionary"))
            for name, graph in self.graphs.items()
        }
        self.source_splits = transfer.source.splits(data, SOURCE_SIZES)
        self.target_splits = transfer.target.splits(data, (max(TARGET_EPOCHS), *TARGET_SIZES))
        self.tests = {"source": self.source_splits(0).test, "target": self.target_splits(0).test}
        if not transfer.keeps_labels or self.tests["source"] == self.tests["target"]:
            del self.tests["target"]

    def _features(self, graph: KnowledgeGraph) -> EntityFeatures:
        steps = self.reporter.steps("encoding entities")
        return encode_entities(graph, self.backbone, progress=steps)

    def seed_folder(self, seed: int) -> Path:
        """Return the folder of the models of a seed."""
        return self.folder / f"seed-{seed}"

    def source_model(self, seed: int) -> KGBertPipeline:
        """Return the model of the source, trained unless it is in the folder of the seed."""
        folder = self.seed_folder(seed) / SOURCE
        if not folder.exists():
            self.reporter.message(f"training the source with seed {seed}")
            model = train(
                self.graphs["source"],
                self.source_splits,
                task=self.transfer.source.task.task,
                backbone=self.backbone,
                linker=self.linkers["source"],
                features=self.features["source"],
                ground=None,
                config=_config(self.transfer.source, SOURCE_EPOCHS),
                seed=seed,
                reporter=self.reporter,
            )
            model.save(folder, include_graph=True)
        return pipeline(folder)

    def asked(self, seed: int) -> Iterator[Row]:
        """Yield the scores of the model of the source, with each graph and without any."""
        model = self.source_model(seed)
        models = {
            "source": model,
            "target": model.with_graph(self.graphs["target"]),
            "none": model.with_graph(self.graphs["source"], linker=_no_mentions),
        }
        for texts, test in self.tests.items():
            for graph, asked in models.items():
                yield {"seed": seed, "texts": texts, "graph": graph, "score": _score(asked, test)}

    def runs(
        self, seed: int, sizes: Mapping[int, int], done: Container[tuple[int, str]]
    ) -> Iterator[Row]:
        """Yield the scores of the missing runs of a seed in the target.

        Args:
            seed: The seed.
            sizes: Epochs by the number of training texts.
            done: The runs that are not repeated, as sizes and arms.
        """
        if all((size, name) in done for size in sizes for name in ARM_NAMES):
            return
        self.source_model(seed)
        folder = self.seed_folder(seed)
        started = transfer_arms([folder / SOURCE], folder, self.graphs["target"], self.reporter)
        arms = [ARMS[BASELINE], ARMS[MAIN], *started]
        for size in sizes:
            study = self._study(size, arms)
            for arm in arms:
                if (size, arm.name) not in done:
                    yield {
                        "seed": seed,
                        "size": size,
                        **_row(study, run_arm(study, arm, seed).record),
                    }

    def _study(self, size: int, arms: Sequence[Arm]) -> Study:
        target = self.transfer.target
        also_test = {SOURCE: self.tests[SOURCE]} if "target" in self.tests else {}
        return Study(
            name=self.transfer.title,
            folder=self.folder,
            graph=self.graphs["target"],
            features=self.features["target"],
            backbone=self.backbone,
            linker=self.linkers["target"],
            task=find_task(target.task.task),
            split=lambda seed: self._fewer(seed, size),
            also_test=also_test if size == max(TARGET_EPOCHS) else {},
            arms=arms,
            seeds=range(SEEDS),
            training_configs={"default": _config(target, TARGET_EPOCHS[size])},
        )

    def _fewer(self, seed: int, size: int) -> Split:
        whole = self.target_splits(seed)
        return Split(whole.train[:size], whole.validation, whole.test)

    def manifest(self) -> Row:
        """Return what was measured, and with what."""
        return {
            "title": self.transfer.title,
            "question": __doc__.splitlines()[0],
            "encoder": without_folders(self.backbone),
            "metric": find_task(self.transfer.target.task.task).metric,
            "source metric": find_task(self.transfer.source.task.task).metric,
            "source sizes": SOURCE_SIZES,
            "target sizes": TARGET_SIZES,
            "epochs": TARGET_EPOCHS,
            "graphs": {
                name: {
                    "entities": len(graph),
                    "edges": len(graph.heads),
                    "texts with a mention": self._share_linked(name),
                }
                for name, graph in self.graphs.items()
            },
            **environment("torch", "transformers"),
        }

    def _share_linked(self, name: str) -> dict[str, float]:
        """Return the share of test texts in which a graph's linker finds a mention."""
        return {
            texts: sum(map(bool, self.linkers[name]([x.text for x in test]))) / len(test)
            for texts, test in self.tests.items()
        }


def _config(domain: Domain, epochs: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=epochs,
        patience=epochs,
        batch_size=BATCH_SIZE,
        options={"pooling": domain.task.pooling},
    )


def _score(model: KGBertPipeline, texts: Sequence[Example]) -> float:
    encoded = model.task.encode(texts, model.processor)
    return evaluate(model.model, model.processor, model.task, encoded)[model.task.metric]


def _row(study: Study, record: RunRecord) -> Row:
    """Return what is kept of a run."""
    metric = study.task.metric
    elsewhere = {
        name.removeprefix(ALSO_TESTED): part.metrics[metric]
        for name, part in record.slices.items()
        if name.startswith(ALSO_TESTED)
    }
    return {
        "arm": record.arm,
        "score": record.metrics[metric],
        "on the source": elsewhere.get(SOURCE),
        "train seconds": record.cost.train_seconds,
    }


def _no_mentions(texts: Sequence[str]) -> list[list[Mention]]:
    return [[] for _ in texts]


if __name__ == "__main__":
    main()
