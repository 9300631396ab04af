"""The table of the settings that were tried as defaults."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from benchmarks.rendering.markdown import table, versions_of
from kgbert.training.trainer import is_good

#: Number of validation texts that select an epoch, about.
SELECTING = 90

#: Epochs in succession without a new best score, after which the oldest rule stops.
PATIENCE = 3


def defaults_table(results: dict[str, Any]) -> str:
    """Return the score of each model and setting, by task, and the circumstances."""
    runs = results["runs"]
    settings = list(dict.fromkeys(run["setting"] for run in runs))
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for run in runs:
        key = (run["task"], f"{run['texts']:,}", str(run["seed"]), run["model"])
        score = run["score"][patient(run["selection"])]
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


def epochs_table(results: dict[str, Any]) -> str:
    """Return the mean score of each model by the rule that selects an epoch."""
    scores: dict[str, dict[str, list[float]]] = {}
    for run in results["runs"]:
        for name, rule in RULES.items():
            found = scores.setdefault(run["model"], {}).setdefault(name, [])
            found.append(run["score"][rule(run["selection"])])
    body = [
        (
            model,
            str(len(next(iter(found.values())))),
            *(f"{100 * fmean(x):.1f}" for x in found.values()),
        )
        for model, found in scores.items()
    ]
    return table(("model", "trainings", *RULES), body)


def first_best(selection: Sequence[float]) -> int:
    """Return the first epoch with the best score.

    >>> first_best([0.5, 0.6, 0.6])
    1
    """
    return max(range(len(selection)), key=lambda place: (selection[place], -place))


def patient(selection: Sequence[float]) -> int:
    """Return the best epoch before the first row of epochs without a new best score.

    >>> patient([0.5, 0.6, 0.6, 0.5, 0.5, 0.9])
    1
    """
    for place in range(len(selection)):
        if place - first_best(selection[: place + 1]) >= PATIENCE:
            return first_best(selection[: place + 1])
    return first_best(selection)


def last_good(selection: Sequence[float]) -> int:
    """Return the last good epoch before a row of epochs that are worse, as training does.

    >>> last_good([0.5, 0.6, 0.58, 0.5]), last_good([0.8, 0.6, 0.6, 0.6, 0.9])
    (2, 0)
    """
    kept = 0
    for place in range(len(selection)):
        if is_good(selection[: place + 1], SELECTING):
            kept = place
        elif place - kept >= PATIENCE:
            break
    return kept


#: How the epoch is selected whose weights are kept.
RULES: dict[str, Callable[[Sequence[float]], int]] = {
    "best epoch, patience of 3": patient,
    "best epoch": first_best,
    "last epoch within a standard error": last_good,
    "last epoch": lambda selection: len(selection) - 1,
}
