"""Run a comparison and show what came of it."""

from collections.abc import Sequence
from functools import partial

from kgbert.cli.core.progress import ShowProgress, show_run
from kgbert.comparison.compare import compare
from kgbert.comparison.learning_curve import compare_sizes
from kgbert.comparison.report.tables import render_table
from kgbert.comparison.statistics.power import detectable_before
from kgbert.comparison.study import Study
from kgbert.training.callbacks import StepProgress


def compare_and_show(study: Study, sizes: Sequence[int | None] = (None,)) -> None:
    """Run what is not finished, print the table with the verdict, and say where all lies.

    Args:
        study: What is compared.
        sizes: Numbers of training texts to compare with; None stands for all of them.
    """
    steps = StepProgress(ShowProgress("training, step"))
    print(detectable_before(len(study.seeds)), flush=True)
    try:
        results = compare_sizes(
            study, sizes, partial(compare, progress=show_run, callbacks=[steps])
        )
    except KeyboardInterrupt:
        print(
            f"\nstopped; finished runs are kept in {study.folder}: the same command goes on there"
        )
        raise
    print(f"\n{render_table(results)}\n")
    print(f"report   {study.folder / 'report.html'}   (its tables: report.md, report.tex)")
    print(f"results  {study.folder / 'results.json'}")
    model = study.folder / "model"
    if model.is_dir():
        print(f"model    {model}   (the best on validation)")
        given = "" if (model / "graph.safetensors").exists() else " --graph GRAPH"
        print(f'try      kgbert predict {model} "a text"{given}')
