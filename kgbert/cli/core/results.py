"""Run a comparison and print its result."""

from collections.abc import Sequence
from functools import partial

from kgbert.cli.core.progress import ProgressReporter
from kgbert.comparison.compare import run_study
from kgbert.comparison.learning_curve import compare_sizes
from kgbert.comparison.statistics.power import detectable_before
from kgbert.comparison.study import Study
from kgbert.training.callbacks import StepProgress


def compare_and_show(
    study: Study, reporter: ProgressReporter, sizes: Sequence[int | None] = (None,)
) -> None:
    """Run the unfinished runs, and print the table, the verdict and the output files.

    Args:
        study: The comparison.
        reporter: Shows the progress.
        sizes: Numbers of training texts of a learning curve; None stands for all texts.
    """
    steps = StepProgress(reporter.steps("training, step"))
    reporter.message(detectable_before(len(study.seeds)))
    try:
        result = compare_sizes(
            study, sizes, partial(run_study, progress=reporter.run_finished, callbacks=[steps])
        )
    except KeyboardInterrupt:
        print(
            f"\nstopped; finished runs are kept in {study.folder}: the same command continues there"
        )
        raise
    print(f"\n{result.table()}\n")
    print(f"report   {study.folder / 'report.html'}   (its tables: report.md, report.tex)")
    print(f"results  {study.folder / 'results.json'}")
    model = study.folder / "model"
    if model.is_dir():
        print(f"model    {model}   (the best on validation)")
        graph_option = "" if (model / "graph.safetensors").exists() else " --graph GRAPH"
        print(f'try      kgbert predict {model} "a text"{graph_option}')
