"""How do further arms do on the task of ``kgbert demo``, where labels are entities of the graph?

``controls`` take parts of the graph away: what helps, names, edges, or the right edges?
``measures`` train with one measure against overfitting each. Texts, seeds and training
configuration are those of the demo, and nothing is tuned; the measures have three seeds, too few
for a verdict on a small difference.

    python -m benchmarks.grounding.arms controls     # 48 runs, about a quarter of an hour
    python -m benchmarks.grounding.arms measures     # 36 runs

writes benchmarks/results/grounding_controls.json, or grounding_measures.json, when all runs are
finished. Finished runs are kept in --folder, and the same command resumes there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks import RESULTS
from benchmarks.stored_results import write_result
from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.arms.descriptions import MEASURES
from kgbert.comparison.compare import run_study
from kgbert.comparison.report.tables import render_table
from kgbert.demo.study import SIZES, demo_study
from kgbert.linking.caching import CachingLinker
from kgbert.utils.logging import silence_libraries

#: The arms and the number of seeds of each question.
QUESTIONS = {
    "controls": (
        (
            "plain",
            "knowledge",
            "shuffled",
            "rewired-edges",
            "no-edges",
            "label-vectors",
            "label-definitions",
            "label-names",
        ),
        6,
    ),
    "measures": (("plain", "knowledge", *MEASURES), 3),
}


def main() -> None:
    """Run the missing runs, and write the results when all are finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--folder", type=Path, default=Path("kgbert-results/grounding"))
    parser.add_argument("--seeds", type=int, help="fewer seeds")
    parser.add_argument("--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    silence_libraries()
    reporter = ProgressReporter()
    arms, seeds = QUESTIONS[arguments.question]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    study = demo_study(
        arguments.folder,
        replace(SIZES["short"], seeds=arguments.seeds or seeds, arms=arms),
        progress=reporter.steps("encoding entities"),
    )
    study = replace(study, linker=CachingLinker(study.linker), max_examples=0, keeps_model=False)
    results = run_study(study, progress=reporter.message)
    print(render_table(results))
    write_result(results, arguments.out or RESULTS / f"grounding_{arguments.question}.json")


if __name__ == "__main__":
    main()
