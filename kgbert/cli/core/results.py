"""Print the result of a comparison."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kgbert.comparison.results import ComparisonResult
from kgbert.utils.paths import (
    EXPLANATIONS_FILE,
    GRAPH_FILE,
    MODEL_FOLDER,
    REPORT_FILE,
    RESULTS_FILE,
)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Print after Ctrl-C where the finished runs of a comparison are."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\nstopped; finished runs are kept in {folder}: the same command continues there")
        raise


def print_result(result: ComparisonResult, folder: Path) -> None:
    """Print the plan of a budget, the table, the verdict and the output files."""
    for sentence in result.study.budget:
        print(f"\n{sentence}", end="")
    print(f"\n{result.table()}\n")
    print(f"report   {folder / REPORT_FILE}   (its tables: report.md, report.tex)")
    if (folder / EXPLANATIONS_FILE).exists():
        print(f"why      {folder / EXPLANATIONS_FILE}   (changed predictions explained)")
    print(f"results  {folder / RESULTS_FILE}")
    model = folder / MODEL_FOLDER
    if model.is_dir():
        print(f"model    {model}   (the best on validation)")
        graph_option = "" if (model / GRAPH_FILE).exists() else " --graph GRAPH"
        print(f'try      kgbert predict {model} "a text"{graph_option}')
