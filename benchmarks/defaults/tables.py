"""The table of the settings that were tried as defaults."""

from collections.abc import Sequence
from typing import Any

from benchmarks.rendering.markdown import table, versions_of

#: Epochs without improvement after which training would have stopped.
PATIENCE = 3


def defaults_table(results: dict[str, Any]) -> str:
    """Return the score of each model and setting, by task, and the circumstances."""
    runs = results["runs"]
    settings = list(dict.fromkeys(run["setting"] for run in runs))
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for run in runs:
        key = (run["task"], f"{run['texts']:,}", str(run["seed"]), run["model"])
        score = selected(run["selection"], run["score"])
        rows.setdefault(key, {})[run["setting"]] = score
    body = [
        (*key, *(f"{100 * found[each]:.1f}" if each in found else "" for each in settings))
        for key, found in rows.items()
    ]
    return "\n\n".join(
        [
            table(("task", "texts", "seed", "model", *settings), body),
            f"Encoder {results['encoder']}; {results['hardware']['processor']}, "
            f"{versions_of(results)}, {results['finished'][:10]}.",
        ]
    )


def selected(selection: Sequence[float], scores: Sequence[float]) -> float:
    """Return the score at the epoch that selection with early stopping keeps.

    >>> selected([0.5, 0.6, 0.6, 0.5, 0.5, 0.9], [1, 2, 3, 4, 5, 6])
    2
    """
    best = 0
    for place, value in enumerate(selection):
        if value > selection[best]:
            best = place
        elif place - best >= PATIENCE:
            break
    return scores[best]
