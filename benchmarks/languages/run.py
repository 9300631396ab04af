"""Does a graph with names in two languages help a model to answer in another language?

Alternative terms of the STW Thesaurus for Economics are classified by their subject category (those
with at least 20 English terms). Training, validation and test terms are English; every run is also
tested on German terms. The graph has the preferred names of all subjects, in both languages or in
English alone (``english-names``), and none of the alternative terms. Labels are compared with the
names of their categories and of the subjects below. The encoder is multilingual; its lower half and
its token embeddings are not trained. Everything else is the default of ``kgbert train``; nothing is
tuned, and no test score was seen before the protocol was written.

    python -m benchmarks.languages.run ENCODER     # multilingual-e5-small, 30 runs of a minute
    python -m benchmarks.languages.run ENCODER --seeds 1 --out FILE

writes benchmarks/results/languages.json when all runs are finished. Finished runs are kept in
--folder, and the same command resumes there.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.languages.terms import categories, drawn, terms_of, with_preferred_names
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.arm import Arm, RunInputs
from kgbert.comparison.arms.registry import ARMS
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.study import Study
from kgbert.demo.icd import TermSplits
from kgbert.features.entity_features import EntityFeatures, encode_entities
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.read import read_graph
from kgbert.linking.factory import make_linker
from kgbert.linking.grounding import ground
from kgbert.linking.mention import Linker
from kgbert.tasks.registry import find_task
from kgbert.training.config import Regularization, TrainingConfig
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "languages.json"

SEEDS = 6
#: English terms of a category that it needs, and those that train it.
FEWEST, TRAIN = 20, 6
#: German test terms of a category.
GERMAN = 6
EPOCHS, FROZEN_BLOCKS = 6, 6


@dataclass(frozen=True)
class OtherNames:
    """Replaces the graph by one with other names of the same entities."""

    graph: KnowledgeGraph
    features: EntityFeatures
    linker: Linker

    def __call__(self, inputs: RunInputs, seed: int) -> RunInputs:
        """Return the inputs with the other graph; the entities of the labels are the same."""
        return replace(inputs, graph=self.graph, features=self.features, linker=self.linker)


def main() -> None:
    """Run the missing runs, and write the results when all are finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoder", help="folder or hub name of a multilingual encoder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/languages"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    results = run_study(_study(arguments, reporter), progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out)


def _study(arguments: argparse.Namespace, reporter: ProgressReporter) -> Study:
    thesaurus = read_graph(arguments.data / "graphs" / "stw" / "stw-skos.ttl.gz")
    english = terms_of(thesaurus, "en")
    counts = Counter(term.target for term in english)
    labels = {x: name for x, name in categories(thesaurus).items() if counts[name] >= FEWEST}
    german = [x for x in terms_of(thesaurus, "de") if x.target in labels.values()]
    inputs = {}
    for languages in (("en", "de"), ("en",)):
        graph = with_preferred_names(thesaurus, languages)
        features = encode_entities(
            graph, arguments.encoder, progress=reporter.steps("encoding entities")
        )
        inputs[languages] = OtherNames(graph, features, make_linker(graph, "dictionary"))
    both = inputs["en", "de"]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    return Study(
        name="Economic terms by subject category, English and German names in the graph",
        folder=arguments.folder,
        graph=both.graph,
        features=both.features,
        backbone=arguments.encoder,
        linker=both.linker,
        task=find_task("text-classification"),
        split=TermSplits([x for x in english if x.target in labels.values()], TRAIN),
        grounding=ground(
            labels.values(), both.graph, mapping={name: x for x, name in labels.items()}
        ),
        arms=[
            *(ARMS[name] for name in ("plain", "knowledge", "shuffled", "label-names")),
            Arm(
                "english-names",
                "reads the graph with its English names only",
                transform=inputs["en",],
            ),
        ],
        seeds=range(arguments.seeds),
        training_configs={
            "default": TrainingConfig(
                epochs=EPOCHS,
                batch_size=16,
                regularization=Regularization(frozen_layers=FROZEN_BLOCKS),
            )
        },
        also_test={"German": drawn(german, GERMAN, seed=0)},
        max_examples=0,
        keeps_model=False,
    )


if __name__ == "__main__":
    main()
