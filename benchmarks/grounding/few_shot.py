"""Do label entities help with few texts a label? ICD-10-CM categories from inclusion terms.

Each seed draws its own terms of the same categories: some a category to train and to validate, the
others for the test. All arms share one training setting, which was not tuned on this task. The
labels are the titles of the categories. The controls: the titles without the graph, and the
entities of the labels permuted.

    python -m benchmarks.grounding.few_shot --seeds 6

writes benchmarks/results/grounding_few_shot.json; finished runs are kept in --folder.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import simple_icd_10_cm as icd

from benchmarks import RESULTS
from benchmarks.grounding.icd import inclusion_terms, sampled_categories, tree
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.demo.study import checked_backbone
from kgbert.features.entity_features import encode_entities
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.tasks.registry import TASKS
from kgbert.training.config import TrainingConfig

RESULT = RESULTS / "grounding_few_shot.json"

ARM_NAMES = ("plain", "knowledge", "shuffled", "label-names", "label-vectors")


class DrawnTerms:
    """Draws each seed's terms: some of each category to train and validate, the others to test."""

    def __init__(self, terms: Sequence[Example], labels: Sequence[str], train: int) -> None:
        self.by_label = {label: [x for x in terms if x.target == label] for label in labels}
        self.train = train

    def __call__(self, seed: int) -> Split:
        """Return the terms of a seed."""
        generator = np.random.default_rng(seed)
        parts: tuple[list[Example], ...] = ([], [], [])
        for own in self.by_label.values():
            drawn = [own[place] for place in generator.permutation(len(own))]
            parts[0].extend(drawn[: self.train])
            parts[1].extend(drawn[self.train : self.train + 2])
            parts[2].extend(drawn[self.train + 2 : self.train + 8])
        return Split(*parts)


def main() -> None:
    """Run the comparison and write its results without texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/icd"))
    parser.add_argument("--categories", type=int, default=40)
    parser.add_argument("--train", type=int, default=4, help="training terms of each category")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    terms = inclusion_terms()
    codes = sampled_categories(terms, arguments.categories, fewest=arguments.train + 4)
    graph, titles = tree(codes), {icd.get_description(code): code for code in codes}
    terms = [replace(x, target=icd.get_description(x.target)) for x in terms if x.target in codes]
    backbone, reporter = str(checked_backbone()), ProgressReporter()
    study = Study(
        name=f"ICD-10-CM categories, {arguments.train} terms of each of {len(titles)}",
        folder=arguments.folder,
        graph=graph,
        features=encode_entities(graph, backbone, progress=reporter.steps("encoding entities")),
        backbone=backbone,
        linker=make_linker(graph, "dictionary"),
        task=TASKS["text-classification"],
        split=DrawnTerms(terms, list(titles), arguments.train),
        grounding=ground(titles, graph, mapping=titles),
        arms=[ARMS[name] for name in ARM_NAMES],
        seeds=range(arguments.seeds),
        training_configs={name: TrainingConfig(epochs=20, batch_size=16) for name in ARM_NAMES},
        max_examples=0,
        keeps_model=False,
    )
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out)


if __name__ == "__main__":
    main()
