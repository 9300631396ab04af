"""Write the report of a comparison: one HTML page that stands alone, for screen and paper."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from kgbert.comparison.report.method_text import method
from kgbert.comparison.report.plots import Effect, curve_plot, forest_plot, seed_plot, size_plot
from kgbert.comparison.report.tables import (
    KINDS,
    arm_table,
    parts_of_kind,
    size_table,
    strata_table,
    tuning_table,
)
from kgbert.comparison.statistics.learning_curve import size_rows
from kgbert.reporting.formatting import listing, metric_name, quantity, score
from kgbert.reporting.page import Figure, render_page
from kgbert.utils.atomic_write import write_atomically

Results = dict[str, Any]

#: With more arms than this a drawing shows those of the verdict only.
DRAWN_ARMS = 5
#: The difference on fewer texts is so wild that no other could be read beside it.
DRAWN_TEXTS = 10
#: The colour class and the heading of each outcome.
OUTCOMES = {
    "helps": ("helps", "It helps"),
    "hurts": ("hurts", "It hurts"),
    "no evidence": ("open", "No evidence"),
    "too few seeds": ("open", "Too few seeds"),
}


def write_report(results: Results, path: str | Path) -> Path:
    """Write the results as one HTML file that loads nothing from elsewhere, and return its path."""
    return write_atomically(path, render_report(results))


def render_report(results: Results) -> str:
    """Return the results as one HTML page."""
    outcome_class, outcome = OUTCOMES[results["verdict"]["outcome"]]
    return render_page(
        Path(__file__).with_name("report.html"),
        {
            "name": results["name"],
            "task": results["task"],
            "main": results["main"],
            "baseline": results["baseline"],
            "outcome": outcome,
            "outcome_class": outcome_class,
            "sentence": results["verdict"]["sentence"],
            "facts": list(_facts(results)),
            "remarks": results["remarks"],
            "warnings": results["warnings"],
            "any_run": any(arm["seeds"] for arm in results["arms"]),
            "arms": arm_table(results),
            "descriptions": list((results.get("descriptions") or {}).items()),
            "figures": list(_figures(results)),
            "sizes": size_table(results),
            "strata": strata_table(results),
            "kinds": [strata_table(results, kind) for kind in KINDS],
            "tuning": tuning_table(results),
            "ceiling": _ceiling(results),
            "examples": results.get("examples") or [],
            "method": method(results),
            "settings": list(_settings(results)),
            "missing": results["missing"],
            "manifest": list(_flat(results.get("manifest") or {})),
        },
    )


def _facts(results: Results) -> Iterator[str]:
    yield f"{len(results['complete_seeds'])} paired seeds"
    yield f"{len(results['arms'])} arms"
    manifest = results.get("manifest") or {}
    graph = manifest.get("graph") or {}
    if graph.get("entities"):
        edges = f", {quantity(graph['edges'])} edges" if graph.get("edges") else ""
        yield f"graph of {quantity(graph['entities'])} entities{edges}"
    if "texts_with_mention" in results.get("coverage", {}):
        yield f"{100 * results['coverage']['texts_with_mention']:.0f} % of texts mention an entity"


def _figures(results: Results) -> Iterator[Figure]:
    unit = metric_name(results["metric"])
    duels = [one for one in results["comparisons"] if one["first"] == results["main"]]
    effects = [_effect(f"over {one['second']}", one) for one in duels if one["count"]]
    if effects:
        yield Figure(
            f"{results['main'].capitalize()} against each other arm",
            "Blue: mean difference and its 95 % interval. Grey: the single seeds. Right of the "
            "line the knowledge is better.",
            Markup(forest_plot(effects, unit)),
        )
    arms = _complete_values(results)
    if len(arms) > 1:
        yield Figure(
            "Seed by seed",
            "Each grey line is one seed, trained and tested alike in all arms. The bars are means.",
            Markup(seed_plot(arms, unit)),
        )
    rows = size_rows(results)
    drawn = [arm["arm"] for arm in _drawn_arms(results) if _has_mean(rows, arm["arm"])]
    if rows and drawn:
        yield Figure(
            "By number of training texts",
            "Mean test score over the seeds; the same test texts at every point.",
            Markup(size_plot(rows, drawn, unit)),
        )
    curves = [arm for arm in _drawn_arms(results) if arm["curves"]]
    if curves:
        yield Figure(
            "Learning curves",
            "Score on the validation texts after each epoch: seeds faint, their mean strong, as "
            "far as all seeds went.",
            Markup(curve_plot(curves, unit)),
        )
    drawn_parts = [row for row in parts_of_kind(results, "") if row["size"] >= DRAWN_TEXTS]
    if drawn_parts:
        parts = [_effect(row["stratum"], row) for row in drawn_parts]
        yield Figure(
            "Where the difference is",
            f"{results['main'].capitalize()} minus {results['baseline']} on parts of the test set "
            f"with {DRAWN_TEXTS} texts or more.",
            Markup(forest_plot(parts, unit)),
        )


def _has_mean(rows: Sequence[dict[str, Any]], arm: str) -> bool:
    return all(row["arms"].get(arm) is not None for row in rows)


def _effect(label: str, row: dict[str, Any]) -> Effect:
    return Effect(label, row["differences"], row["mean"], row["interval"])


def _drawn_arms(results: Results) -> list[dict[str, Any]]:
    """Return the arms to draw together: all of a few, or those that the verdict rests on."""
    judged = (results["baseline"], results["main"], results.get("control"))
    arms: list[dict[str, Any]] = results["arms"]
    return arms if len(arms) <= DRAWN_ARMS else [arm for arm in arms if arm["arm"] in judged]


def _complete_values(results: Results) -> list[tuple[str, list[float]]]:
    """Return the scores on the complete seeds of each arm that finished all of these."""
    complete = results["complete_seeds"]
    arms = []
    for arm in _drawn_arms(results):
        by_seed = dict(zip(arm["seeds"], arm["values"], strict=True))
        if complete and by_seed.keys() >= set(complete):
            arms.append((arm["arm"], [by_seed[seed] for seed in complete]))
    return arms


def _ceiling(results: Results) -> str:
    found = results["ceiling"]
    if not found:
        return ""
    return (
        f"Something was linked in {100 * found['linked_share']:.0f} % of the test texts; if all of "
        f"these were answered right, accuracy would rise by {score(found['largest_gain'])} "
        f"points over {results['baseline']}: about the most that knowledge can bring."
    )


def _settings(results: Results) -> Iterator[tuple[str, str]]:
    """Yield each setting with its value, or its values and the arms that have them."""
    settings = {
        arm["arm"]: {name: value for name, value in arm["settings"].items() if name != "options"}
        | arm["settings"].get("options", {})
        for arm in results["arms"]
        if arm["settings"]
    }
    for name in dict.fromkeys(name for chosen in settings.values() for name in chosen):
        arms: dict[str, list[str]] = {}
        for arm, chosen in settings.items():
            arms.setdefault(_value(chosen.get(name, "as it comes")), []).append(arm)
        told = [f"{value} ({listing(names)})" for value, names in arms.items()]
        yield name.replace("_", " "), "; ".join(told) if len(arms) > 1 else next(iter(arms))


def _flat(manifest: dict[str, Any], above: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield nested entries as (path, value): ``("graph, licence", "CC-BY 4.0")``."""
    for name, value in manifest.items():
        path = (*above, str(name).replace("_", " "))
        if isinstance(value, dict):
            yield from _flat(value, path)
        elif value not in (None, "", []):
            yield ", ".join(path), _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
