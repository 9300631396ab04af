"""What in the graph helps where the labels are its entities: names, edges, or the right edges?

The task, texts, seeds and training configuration of ``kgbert demo``, with further arms that take
parts of the graph away. Nothing is tuned.

    python -m benchmarks.grounding.controls     # 48 runs, about a quarter of an hour

writes benchmarks/results/grounding_controls.json when all runs are finished. Finished runs are kept
in --folder, and the same command resumes there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.demo.study import SIZES, demo_study
from kgbert.linking.caching import CachingLinker
from kgbert.utils.logging import silence_libraries

RESULT = RESULTS / "grounding_controls.json"

ARMS = (
    "plain",
    "knowledge",
    "shuffled",
    "rewired-edges",
    "no-edges",
    "label-vectors",
    "label-definitions",
    "label-names",
)


def main() -> None:
    """Run the missing runs, and write the results when all are finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/grounding-controls"))
    parser.add_argument("--seeds", type=int, default=SIZES["short"].seeds)
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    study = demo_study(
        arguments.folder,
        replace(SIZES["short"], seeds=arguments.seeds, arms=ARMS),
        progress=reporter.steps("encoding entities"),
    )
    study = replace(study, linker=CachingLinker(study.linker), max_examples=0, keeps_model=False)
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out)


if __name__ == "__main__":
    main()
