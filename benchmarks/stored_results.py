"""Store the results of comparisons without the texts and the predictions for them."""

import json
from dataclasses import replace
from pathlib import Path

from kgbert.comparison.results import ComparisonResult, RunRecord
from kgbert.utils.atomic_write import write_atomically


def write_result(results: ComparisonResult, path: Path) -> None:
    """Write the results of a comparison without its texts."""
    stored = results.with_runs([without_items(run) for run in results.runs])
    write_atomically(path, json.dumps(stored.to_json(), indent=1) + "\n")


def without_items(run: RunRecord) -> RunRecord:
    """Return a run's record without its predictions by text."""
    return replace(run, items=None)
