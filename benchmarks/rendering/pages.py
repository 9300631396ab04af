"""Render the tables of the documentation, and the picture of the README.

Measurements come from the JSON files in benchmarks/results, the rest from kgbert's own tables. A
test keeps the pages equal to what this script renders.

    python -m benchmarks.rendering.pages
"""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import RESULTS
from benchmarks.calibration.tables import calibration
from benchmarks.defaults.tables import defaults_table, epochs_table
from benchmarks.grounding.tables import (
    grounding_cost_table,
    new_labels_table,
    sample_efficiency_tables,
    subject_indexing_tables,
)
from benchmarks.languages.tables import languages_table
from benchmarks.rendering.inventory import arms, cards, commands, dependencies, formats, sizes
from benchmarks.rendering.markdown import table, versions_of
from benchmarks.rendering.picture import draw
from benchmarks.speed.tables import (
    PLACES,
    cost_table,
    costs,
    deployment_table,
    distillation_table,
    scale,
    scaling,
)
from benchmarks.transfer.tables import transfer_tables
from benchmarks.verdict.tables import (
    all_arms_table,
    read_floors,
    read_verdicts,
    verdict_tables,
)
from kgbert.comparison.report.tables import arm_table, render_markdown, rival_table
from kgbert.comparison.results import ComparisonResult
from kgbert.reporting.formatting import counted, duration, quantity

PROJECT = Path(__file__).parents[2]
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*/*.md")))
PICTURE = PROJECT / "docs" / "results" / "report.svg"

NOT_MEASURED = "Not measured yet."

_BLOCK = re.compile(
    r"(?P<start><!-- rendered: (?P<name>[\w, ]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)

Results = dict[str, Any]


def main() -> None:
    """Render every page, and the picture."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for page in PAGES:
        page.write_text(render_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(render_picture(), encoding="utf-8")


def render_page(text: str) -> str:
    """Return a page with the content between its markers rendered."""
    return _BLOCK.sub(lambda found: found["start"] + _block(found["name"]) + found["end"], text)


def render_picture() -> str:
    """Return the plots of the demo's report as one SVG."""
    return draw(comparison_result("demo"))


def comparison_result(name: str) -> ComparisonResult | None:
    """Return the result of a comparison, or None if there is none."""
    path = RESULTS / f"{name}.json"
    return ComparisonResult.load(path) if path.exists() else None


def result(name: str) -> Results | None:
    """Return the result of a script, or None if there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _block(name: str) -> str:
    rendered = BLOCKS[name]().strip()
    return f"\n{rendered}\n\n"


def _from_result(name: str, render: Callable[[Results], str]) -> Callable[[], str]:
    """Return a block that renders a result, or a note that there is none."""

    def block() -> str:
        found = result(name)
        return NOT_MEASURED if found is None else render(found)

    return block


def _from_comparison(name: str, render: Callable[[ComparisonResult], str]) -> Callable[[], str]:
    """Return a block that renders a comparison, or a note that there is none."""

    def block() -> str:
        found = comparison_result(name)
        return NOT_MEASURED if found is None else render(found)

    return block


def short_comparison(results: ComparisonResult) -> str:
    """Return the verdict, the table of arms and the circumstances."""
    arms = arm_table(results)
    summary = " ".join([f"**{results.verdict.sentence}**", *results.remarks, *results.warnings])
    return "\n\n".join([summary, table(arms.header, arms.rows), circumstances(results)])


def arms_and_rivals(results: ComparisonResult) -> str:
    """Return the table of arms, knowledge over each of them, and the circumstances."""
    tables = [table(each.header, each.rows) for each in (arm_table(results), rival_table(results))]
    return "\n\n".join([*tables, circumstances(results)])


def languages(results: ComparisonResult) -> str:
    """Return the scores by language, and the circumstances."""
    return "\n\n".join([languages_table(results), circumstances(results)])


def comparison(results: ComparisonResult) -> str:
    """Return all tables of a comparison, the verdict first."""
    parts = [circumstances(results), results.study.provenance]
    return render_markdown(results) + "\n" + "\n\n".join(filter(None, parts))


def circumstances(results: ComparisonResult) -> str:
    """Return a paragraph on data, graph, encoder, machine and duration."""
    study, manifest = results.study, results.study.manifest
    graph, texts = manifest.graph, next(iter(manifest.splits.values()))
    hardware, backbone, versions = manifest.hardware, manifest.backbone, manifest.versions
    assert hardware is not None
    assert backbone is not None
    seconds = sum(run.seconds for run in results.runs)
    total_time = f"{duration(seconds)} for all runs together; " if seconds else ""
    accelerator = "" if hardware.accelerator == "none" else f" with {hardware.accelerator}"
    return (
        f"{study.name}; {len(study.seeds)} paired seeds, each with {texts.train:,} "
        f"training, {texts.validation:,} validation and {texts.test:,} test texts; graph "
        f"{graph.source} ({graph.version or 'no version stated'}, "
        f"{quantity(graph.entities)} entities, {quantity(graph.edges)} edges); encoder "
        f"{backbone.name}; {total_time}{hardware.processor}, "
        f"{counted(hardware.threads, 'thread')}{accelerator}, torch {versions['torch']}, "
        f"transformers {versions['transformers']}, {manifest.finished[:10]}."
    )


def verdicts(folder: str) -> str:
    """Return the results of the finished verdict tasks in a folder of the results."""
    tasks = read_verdicts(RESULTS / folder)
    return verdict_tables(tasks, read_floors(RESULTS / "floors.json")) if tasks else NOT_MEASURED


def pretraining() -> str:
    """Return the tables of the tasks on which pretrained encoders were compared."""
    paths = sorted((RESULTS / "pretraining").glob("*.json"))
    parts = [short_comparison(ComparisonResult.load(path)) for path in paths]
    return "\n\n".join(parts) or NOT_MEASURED


def transfer() -> str:
    """Return the tables of the pairs of domains between which models were transferred."""
    paths = sorted((RESULTS / "transfer").glob("*.json"))
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return transfer_tables(found) or NOT_MEASURED


def all_arms() -> str:
    """Return all arms on the tasks that were run with all of them."""
    tasks = read_verdicts(RESULTS / "all_arms")
    return all_arms_table(tasks) if tasks else NOT_MEASURED


def search(results: Results) -> str:
    """Return all tried learning rates, with the chosen ones marked."""
    rows = [
        (
            f"{trial['texts']:,}",
            trial["arm"],
            f"{trial['rate']:g}",
            *(f"{100 * score:.1f}" for score in trial["validation"]),
            "chosen" if trial in results["chosen"] else "",
        )
        for trial in results["tried"]
    ]
    seeds = [f"seed {seed}" for seed in results["seeds"]]
    return table(("texts", "arm", "learning rate", *seeds, ""), rows)


def measured(columns: Sequence[str]) -> Callable[[Results], str]:
    """Return a renderer of single measurements: the question and a row per arm."""

    def render(results: Results) -> str:
        rows = [[_cell(arm.get(column, "")) for column in columns] for arm in results["arms"]]
        parts = [results["question"], table(columns, rows)]
        if "machine" in results:
            parts.append(f"Measured on {results['machine']}, Python {results['python']}.")
        return "\n\n".join(parts)

    return render


def missed(results: Results) -> str:
    """Return a row per arm: the number of missed gold mentions by cause."""
    causes = list(results["arms"][0]["missed"])
    rows = [
        (arm["task"], arm["arm"], *(f"{arm['missed'][cause]:,}" for cause in causes))
        for arm in results["arms"]
    ]
    return table(("task", "arm", *causes), rows)


def literals(results: Results) -> str:
    """Return a row per graph file: what of its texts is used, and what differs."""
    kinds = ("names", "definitions", "parents", "entities", "obsolete")
    rows = [
        (
            f"`{row['file']}`",
            f"{row['entities']:,}",
            f"{row['texts']:,}",
            f"{row['in the graph'] / max(1, row['texts']):.1%}" if row["texts"] else "",
            f"{row['listed as not used']:,}",
            f"{row['neither']:,}",
            f"{sum(row[f'missing {kind}'] for kind in kinds):,}",
        )
        for row in results["files"]
    ]
    header = ("graph", "entities", "texts", "used", "listed", "neither", "missing")
    return "\n\n".join(
        [results["question"], table(header, rows), f"Compared with {versions_of(results)}."]
    )


def plausibility(results: Results) -> str:
    """Return a row per method and kind of part: how high gold rationales are ranked."""
    rows = [
        (
            row["kind"],
            row["method"],
            f"{row['sentences']:,}",
            _with_interval(row["average_precision"]),
            f"{row['random']:.2f}",
            _with_interval(row["over_random"], sign="+"),
        )
        for row in sorted(results["rows"], key=lambda row: row["kind"] != "words")
    ]
    header = ("parts", "method", "sentences", "average precision", "random orders", "difference")
    return "\n\n".join(
        [
            table(header, rows),
            f"{results['training_sentences']:,} training sentences, {results['epochs']} epochs, "
            f"one seed; accuracy {results['accuracy']:.2f} on {results['test_sentences']:,} test "
            f"sentences, half of each class; torch {results['versions']['torch']}.",
        ]
    )


def _with_interval(estimate: dict[str, float], sign: str = "") -> str:
    mean, low, high = (format(estimate[x], f"{sign}.2f") for x in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _speed_block(render: Callable[[dict[str, Results | None]], str]) -> Callable[[], str]:
    """Return a block of the speed results that exist."""

    def block() -> str:
        found = {name: result(name) for name in PLACES}
        return render(found) if any(found.values()) else NOT_MEASURED

    return block


#: Renderers of the blocks, by the name in the page's marker.
BLOCKS: dict[str, Callable[[], str]] = {
    "demo": _from_comparison("demo", short_comparison),
    "demo, all tables": _from_comparison("demo", comparison),
    "demo full": _from_comparison("demo_full", comparison),
    "diagnoses": _from_comparison("diagnoses_small", comparison),
    "diagnoses, large": _from_comparison("diagnoses_large", comparison),
    "diagnoses, learning rates": _from_result("diagnoses_learning_rates", search),
    "verdict": partial(verdicts, "verdict"),
    "further tasks": partial(verdicts, "further_tasks"),
    "translation": _from_comparison(
        "other_encoders/translation-multilingual-e5-small-en-fr", comparison
    ),
    "all arms": all_arms,
    "pretraining": pretraining,
    "transfer": transfer,
    "sample efficiency": _from_result("sample_efficiency", sample_efficiency_tables),
    "new labels": _from_result("new_labels", new_labels_table),
    "subject indexing": _from_result("subject_indexing", subject_indexing_tables),
    "grounding cost": _from_result("grounding_cost", grounding_cost_table),
    "languages": _from_comparison("languages", languages),
    "grounding controls": _from_comparison("grounding_controls", arms_and_rivals),
    "grounding measures": _from_comparison("grounding_measures", arms_and_rivals),
    "defaults": _from_result("defaults", defaults_table),
    "epochs": _from_result("defaults", epochs_table),
    "epochs of a wider encoder": _from_result("defaults_mpnet", epochs_table),
    "defaults of a wider encoder": _from_result("defaults_mpnet", defaults_table),
    "students, diagnoses": _from_result("distillation/diagnoses", distillation_table),
    "deployment": _from_result("deployment", deployment_table),
    "calibration": _from_result("calibration", calibration),
    "tagging, bc5cdr": _from_comparison("tagging/bc5cdr", comparison),
    "tagging, ncbi_disease": _from_comparison("tagging/ncbi_disease", comparison),
    "linking": _from_result(
        "linking",
        measured(
            (
                "task",
                "arm",
                "mention precision",
                "mention recall",
                "end-to-end precision",
                "end-to-end recall",
            )
        ),
    ),
    "linking missed": _from_result("linking", missed),
    "linking gold spans missed": _from_result("linking_gold_spans", missed),
    "linking gold spans": _from_result(
        "linking_gold_spans",
        measured(
            (
                "task",
                "arm",
                "accuracy, entity in graph",
                "recall at 5",
                "recall at 20",
                "accuracy, surface seen",
                "accuracy, surface unseen",
                "accuracy over all, with NIL",
            )
        ),
    ),
    "linking speed": _from_result(
        "linking_speed",
        measured(
            (
                "arm",
                "names",
                "build_s",
                "sentences_per_s",
                "sentences_per_s_second_pass",
                "peak_mb",
                "reopen_s",
                "linking_over_tokenising",
                "own_mb",
                "shared_mb",
            )
        ),
    ),
    "graph reading": _from_result(
        "graph_reading", measured(("arm", "form", "seconds", "peak MB", "count"))
    ),
    "graph literals": _from_result("graph_literals", literals),
    "graph scale": _from_result(
        "graph_scale",
        measured(("arm", "form", "entities", "edges", "processor seconds", "seconds", "peak MB")),
    ),
    "plausibility": _from_result("explanation_plausibility", plausibility),
    "speed": _speed_block(costs),
    "speed in short": _speed_block(cost_table),
    "scaling": _from_result("scaling_cpu", scaling),
    "scale": _from_result("scale", scale),
    "commands": commands,
    "cards": cards,
    "arms": arms,
    "formats": formats,
    "sizes": sizes,
    "dependencies": dependencies,
}

if __name__ == "__main__":
    main()
