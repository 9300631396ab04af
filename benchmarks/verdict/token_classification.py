"""Does MeSH help to find chemicals and diseases in BC5CDR, with few labelled sentences?

Plain, knowledge and shuffled knowledge on paired seeds. Each seed samples its own sentences from
the official training and validation parts; the test is always the same 1,500 sentences of the
official test part. All arms share one training setting, which was not tuned on this task.

    python -m benchmarks.verdict.token_classification --data DATA --seeds 6

writes benchmarks/results/token_classification.json; finished runs are kept in --folder.
"""

import argparse
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from benchmarks.verdict.sentences import sentences_of
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.data import Example, read_texts
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import encode_entities
from kgbert.graph.read import read_graph
from kgbert.linking.factory import make_linker
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig

RESULT = RESULTS / "token_classification.json"

ARM_NAMES = ("plain", "knowledge", "shuffled")

#: The whole official part would take longer than training.
TEST_SENTENCES = 1500


class SampledSentences:
    """Samples each seed's sentences from the official parts."""

    def __init__(self, folder: Path, train: int, validation: int) -> None:
        self.folder, self.train, self.validation = folder, train, validation

    def __call__(self, seed: int) -> Split:
        """Return the sentences of a seed; the test is always the same."""
        generator = np.random.default_rng(seed)
        parts = []
        for part, size in (("train", self.train), ("validation", self.validation)):
            sentences = self._parts[part]
            indices = generator.permutation(len(sentences))[:size]
            parts.append([sentences[index] for index in indices])
        indices = np.random.default_rng(0).permutation(len(self._parts["test"]))[:TEST_SENTENCES]
        return Split(parts[0], parts[1], [self._parts["test"][index] for index in indices])

    @cached_property
    def _parts(self) -> dict[str, list[Example]]:
        return {
            part: [
                sentence
                for text in read_texts(self.folder / f"{part}.jsonl", overlaps="longest")
                for sentence in sentences_of(text)
            ]
            for part in ("train", "validation", "test")
        }


def main() -> None:
    """Run the comparison and write its results without texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/bc5cdr"))
    parser.add_argument("--train", type=int, default=200, help="training sentences of each seed")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    path = arguments.data / "graphs" / "mesh" / "mesh_diseases_chemicals.skos.ttl"
    graph = replace(read_graph(path), domain="medicine")
    backbone, reporter = str(checked_backbone()), ProgressReporter()
    study = Study(
        name=f"BC5CDR mentions with MeSH, {arguments.train} training sentences",
        folder=arguments.folder,
        graph=graph,
        features=encode_entities(graph, backbone, progress=reporter.steps("encoding entities")),
        backbone=backbone,
        linker=make_linker(graph, "dictionary"),
        task=TASKS["token-classification"],
        split=SampledSentences(arguments.data / "tasks" / "bc5cdr", arguments.train, 150),
        arms=[ARMS[name] for name in ARM_NAMES],
        seeds=range(arguments.seeds),
        training_configs={name: TrainingConfig(epochs=20, batch_size=16) for name in ARM_NAMES},
        max_examples=0,
    )
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out)


if __name__ == "__main__":
    main()
