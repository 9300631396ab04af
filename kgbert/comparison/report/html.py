"""Write the report of a comparison as one self-contained HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from kgbert.comparison.report.method_text import method
from kgbert.comparison.report.plots import Effect, curve_plot, forest_plot, seed_plot, size_plot
from kgbert.comparison.report.tables import (
    KINDS,
    arm_table,
    further_table,
    size_table,
    slice_table,
    slices_of_kind,
    tuning_table,
)
from kgbert.comparison.results import (
    ArmSummary,
    ChangedPrediction,
    ComparisonResult,
    LearningCurvePoint,
    StudyRecord,
)
from kgbert.comparison.statistics.learning_curve import curve_points
from kgbert.comparison.statistics.sign_flip import PairedSummary
from kgbert.reporting.formatting import listing, metric_name, quantity, score
from kgbert.reporting.page import Figure, render_page
from kgbert.training.config import Regularization
from kgbert.utils.atomic_write import write_atomically
from kgbert.utils.json_records import to_json
from kgbert.utils.paths import EXPLANATIONS_FILE, MODEL_FOLDER

#: With more arms than this a plot shows only the arms of the verdict.
DRAWN_ARMS = 5
#: Minimum texts of a slice in a plot: the variance of smaller slices would stretch the axis.
DRAWN_TEXTS = 10
#: The report shows why the saved model gives this number of answers to a text.
EXPLAINED_ANSWERS = 3
#: The CSS class and the heading of each outcome.
OUTCOMES = {
    "helps": ("helps", "It helps"),
    "hurts": ("hurts", "It hurts"),
    "no evidence": ("open", "No evidence"),
    "too few seeds": ("open", "Too few seeds"),
}


def write_report(result: ComparisonResult, path: str | Path) -> Path:
    """Write the results as one self-contained HTML file, and return its path."""
    return write_atomically(path, render_report(result))


def render_report(result: ComparisonResult) -> str:
    """Return the results as one HTML page."""
    study = result.study
    outcome_class, outcome = OUTCOMES[result.verdict.outcome]
    return render_page(
        Path(__file__).with_name("report.html"),
        {
            "name": study.name,
            "task": study.task,
            "main": study.main,
            "baseline": study.baseline,
            "outcome": outcome,
            "outcome_class": outcome_class,
            "sentence": result.verdict.sentence,
            "facts": list(_facts(result)),
            "introduction": _introduction(result.study),
            "remarks": result.remarks,
            "warnings": result.warnings,
            "any_run": any(arm.seeds for arm in result.arms),
            "arms": arm_table(result),
            "descriptions": list(study.descriptions.items()),
            "figures": list(_figures(result)),
            "sizes": size_table(result),
            "slices": slice_table(result),
            "further": further_table(result),
            "kinds": [slice_table(result, kind) for kind in KINDS],
            "tuning": tuning_table(result),
            "ceiling": _ceiling(result),
            "examples": [(example, _reasons(example)) for example in study.examples],
            "changes": _changes(result),
            "explained": any(example.explanation for example in study.examples),
            "explanations": EXPLANATIONS_FILE,
            "explain": f"kgbert explain {MODEL_FOLDER} FILE --html PAGE",
            "method": method(result),
            "settings": list(_settings(result)),
            "missing": result.missing,
            # The training settings are above, where only those that differ are repeated.
            "manifest": list(_flatten(to_json(replace(study.manifest, training_configs={})))),
        },
    )


def _facts(result: ComparisonResult) -> Iterator[str]:
    yield f"{len(result.complete_seeds)} paired seeds"
    yield f"{len(result.arms)} arms"
    graph = result.study.manifest.graph
    if graph.entities:
        edges = f", {quantity(graph.edges)} edges" if graph.edges else ""
        yield f"graph of {quantity(graph.entities)} entities{edges}"
    if result.study.coverage:
        yield f"{100 * result.study.coverage.texts_with_mention:.0f} % of texts mention an entity"


def _introduction(study: StudyRecord) -> str:
    """Return what is compared, for readers who did not run the comparison."""
    graph, backbone = study.manifest.graph, study.manifest.backbone
    source = " ".join(filter(None, (graph.source, graph.version)))
    labels = " and compares each text with the entities of its labels"
    control = f"; {study.control} does the same with permuted entities" if study.control else ""
    return (
        f"{backbone.name if backbone else 'An encoder'} was fine-tuned for {study.task} with and "
        f"without a graph{f' ({source})' if source else ''}. {study.baseline.capitalize()} is the "
        f"encoder alone; {study.main} also reads the entities that a text mentions"
        f"{labels if study.compares_labels else ''}{control}. Each seed trains every arm on the "
        "same texts in the same order, so that scores are compared in pairs."
    )


def _figures(result: ComparisonResult) -> Iterator[Figure]:
    unit = metric_name(result.study.metric)
    yield from _difference_figure(result, unit)
    arms = _complete_scores(result)
    if len(arms) > 1:
        yield Figure(
            "Seed by seed",
            "Each grey line is one seed, trained and tested alike in all arms. The bars are means.",
            Markup(seed_plot(arms, unit)),
        )
    yield from _curve_figures(result, unit)
    drawn = [one for one in slices_of_kind(result, "") if one.size >= DRAWN_TEXTS]
    if drawn:
        yield Figure(
            "Where the difference is",
            f"{result.study.main.capitalize()} minus {result.study.baseline} on slices of the test "
            f"set with {DRAWN_TEXTS} texts or more.",
            Markup(
                forest_plot(
                    [_effect(one.name, one.differences, one.summary) for one in drawn], unit
                )
            ),
        )


def _difference_figure(result: ComparisonResult, unit: str) -> Iterator[Figure]:
    main = result.study.main
    effects = [
        _effect(f"over {pair.second}", pair.differences, pair.summary)
        for pair in result.comparisons
        if pair.first == main and pair.summary
    ]
    if effects:
        yield Figure(
            f"{main.capitalize()} against each other arm",
            f"Blue: mean difference and its 95 % interval. Grey: single seeds. To the right of the "
            f"line {main} is better.",
            Markup(forest_plot(effects, unit)),
        )


def _curve_figures(result: ComparisonResult, unit: str) -> Iterator[Figure]:
    curve = curve_points(result)
    drawn = [arm.name for arm in _drawn_arms(result) if _has_mean(curve, arm.name)]
    if curve and drawn:
        yield Figure(
            "By number of training texts",
            "Mean test score over the seeds; the same test texts at every point.",
            Markup(size_plot(curve, drawn, unit)),
        )
    arms = [arm for arm in _drawn_arms(result) if arm.curves]
    if arms:
        texts = result.study.manifest.sizes("validation")
        yield Figure(
            "Learning curves",
            f"Score on the validation texts{f' ({texts} per seed)' if texts else ''} after each "
            "epoch: single seeds faint, their mean bold, up to the last epoch that all seeds "
            "reached.",
            Markup(curve_plot(arms, unit)),
        )


def _has_mean(curve: Sequence[LearningCurvePoint], arm: str) -> bool:
    return all(point.means.get(arm) is not None for point in curve)


def _effect(label: str, differences: Sequence[float], summary: PairedSummary) -> Effect:
    return Effect(label, differences, summary.mean, summary.interval)


def _drawn_arms(result: ComparisonResult) -> Sequence[ArmSummary]:
    """Return the arms of a plot: all if they are few, else those of the verdict."""
    if len(result.arms) <= DRAWN_ARMS:
        return result.arms
    return [arm for arm in result.arms if arm.name in result.study.judged_arms]


def _complete_scores(result: ComparisonResult) -> list[tuple[str, list[float]]]:
    """Return each arm's scores on the complete seeds, for arms that finished all of them."""
    complete = result.complete_seeds
    arms = []
    for arm in _drawn_arms(result):
        by_seed = dict(zip(arm.seeds, arm.scores, strict=True))
        if complete and by_seed.keys() >= set(complete):
            arms.append((arm.name, [by_seed[seed] for seed in complete]))
    return arms


def _changes(result: ComparisonResult) -> str:
    """Return how many test answers are right with one of the two arms only."""
    main, baseline = result.study.main, result.study.baseline
    items = {(run.arm, run.seed): run.items for run in result.runs if run.items}
    pairs = [
        pair
        for seed in result.complete_seeds
        if (main, seed) in items and (baseline, seed) in items
        for pair in zip(items[main, seed].correct, items[baseline, seed].correct, strict=True)
    ]
    if not pairs:
        return ""
    return (
        f"Of {len(pairs):,} test answers over all seeds, {pairs.count((1, 0)):,} are right with "
        f"{main} only, and {pairs.count((0, 1)):,} with {baseline} only."
    )


def _reasons(example: ChangedPrediction) -> list[str]:
    """Return what the graph contributes to the first answers of an explained text."""
    answers = example.explanation.answers if example.explanation else ()
    return [answer.line() for answer in answers[:EXPLAINED_ANSWERS]]


def _ceiling(result: ComparisonResult) -> str:
    ceiling = result.ceiling
    if ceiling is None:
        return ""
    return (
        f"An entity was linked in {100 * ceiling.linked_share:.0f} % of the test texts; if all of "
        f"these were answered correctly, accuracy would rise by {score(ceiling.largest_gain)} "
        f"points over {result.study.baseline}: about the most that knowledge can gain."
    )


def _settings(result: ComparisonResult) -> Iterator[tuple[str, str]]:
    """Yield each setting with its value, or with one value per group of arms."""
    settings = {}
    for arm in result.arms:
        if arm.training_config:
            values = to_json(arm.training_config)
            measures = values.pop("regularization")
            usual = to_json(Regularization())
            changed = {name: x for name, x in measures.items() if x != usual[name]}
            by_size = {"batch_size": "texts", "encoder_learning_rate": "hidden units"}
            values |= {x: f"by the number of {y}" for x, y in by_size.items() if values[x] is None}
            settings[arm.name] = values | values.pop("options") | changed
    for name in dict.fromkeys(name for chosen in settings.values() for name in chosen):
        arms: dict[str, list[str]] = {}
        for arm_name, chosen in settings.items():
            arms.setdefault(_value(chosen.get(name, "default")), []).append(arm_name)
        by_value = [f"{value} ({listing(names)})" for value, names in arms.items()]
        yield name.replace("_", " "), "; ".join(by_value) if len(arms) > 1 else next(iter(arms))


def _flatten(entries: Mapping[str, Any], above: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield nested entries as (path, value): ``("graph, licence", "CC-BY 4.0")``."""
    for name, value in entries.items():
        path = (*above, name.replace("_", " "))
        if isinstance(value, dict):
            yield from _flatten(value, path)
        elif value not in (None, "", []):
            yield ", ".join(path), _value(value)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
