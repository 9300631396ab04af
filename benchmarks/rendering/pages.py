"""Render the tables of README.md and of this folder's README.md, and the picture of the first.

Whatever is measured comes from the JSON files in results/, whatever kgbert can do from kgbert's own
tables; nothing of it is typed. A test holds the pages equal to what this script renders.

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
from benchmarks.rendering.inventory import arms, commands, dependencies, formats, sizes
from benchmarks.rendering.markdown import table
from benchmarks.rendering.picture import draw
from benchmarks.speed.tables import PLACES, cost_table, costs, scale, scaling
from benchmarks.verdict.tables import all_arms_table, read_verdicts, verdict_tables
from kgbert.comparison.report.tables import arm_table, render_markdown
from kgbert.reporting.formatting import counted, duration, quantity

PROJECT = Path(__file__).parents[2]
PAGES = (PROJECT / "README.md", PROJECT / "benchmarks" / "README.md")
PICTURE = PROJECT / "docs" / "report.svg"

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
    """Return a page with everything between its markers rendered anew."""
    return _BLOCK.sub(lambda found: found["start"] + _block(found["name"]) + found["end"], text)


def render_picture() -> str:
    """Return the plots of the demo's report as one SVG."""
    return draw(result("demo") or result("demo_full"))


def result(name: str) -> Results | None:
    """Return what a script measured, or None if it has not run yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _block(name: str) -> str:
    rendered = BLOCKS[name]().strip()
    return f"\n{rendered}\n\n"


def _of(name: str, render: Callable[[Results], str]) -> Callable[[], str]:
    """Return a block that renders a result, or says that there is none."""

    def block() -> str:
        found = result(name)
        return NOT_MEASURED if found is None else render(found)

    return block


def short_comparison(results: Results, *, timed: bool = True) -> str:
    """Return the arms, what was compared, and the verdict.

    Args:
        results: Of the comparison.
        timed: Whether the arms were trained side by side, so that their times say something.
    """
    arms = arm_table(results)
    shown = [place for place, name in enumerate(arms.header) if timed or name != "training"]
    header, *rows = [[row[place] for place in shown] for row in (arms.header, *arms.rows)]
    said = " ".join([results["verdict"]["sentence"], *results["remarks"], *results["warnings"]])
    return "\n\n".join([f"**{said}**", table(header, rows), circumstances(results)])


def comparison(results: Results) -> str:
    """Return everything that a comparison has to tell as a table, the verdict first."""
    told = [circumstances(results), results.get("provenance", "")]
    return render_markdown(results) + "\n" + "\n\n".join(filter(None, told))


def circumstances(results: Results) -> str:
    """Return in a paragraph what was compared, on what, and how long it took."""
    told = results["manifest"]
    graph, texts = told["graph"], next(iter(told["data"].values()))
    hardware, versions = told["hardware"], told["versions"]
    seconds = sum(run["seconds"] for run in results.get("runs", []))
    took = f"{duration(seconds)} for all runs together; " if seconds else ""
    accelerator = "" if hardware["accelerator"] == "none" else f" with {hardware['accelerator']}"
    return (
        f"{results['name']}; {len(results['seeds'])} paired seeds, each with {texts['train']:,} "
        f"training, {texts['validation']:,} validation and {texts['test']:,} test texts; graph "
        f"{graph['source']} ({graph['version'] or 'no version stated'}, "
        f"{quantity(graph['entities'])} entities, {quantity(graph['edges'])} edges); encoder "
        f"{told['backbone']['name']}; {took}{hardware['processor']}, "
        f"{counted(hardware['threads'], 'thread')}{accelerator}, torch {versions['torch']}, "
        f"transformers {versions['transformers']}, {told['finished'][:10]}."
    )


def verdicts() -> str:
    """Return what the real tasks came to, as far as they were finished."""
    tasks = read_verdicts(RESULTS / "verdict")
    return verdict_tables(tasks) if tasks else NOT_MEASURED


def all_arms() -> str:
    """Return every arm on the tasks that were run with all of them."""
    tasks = read_verdicts(RESULTS / "all_arms")
    return all_arms_table(tasks) if tasks else NOT_MEASURED


def search(results: Results) -> str:
    """Return every learning rate that was tried, the chosen ones marked."""
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
    """Return how a benchmark of single measurements is rendered: its question, and a row an arm."""

    def render(results: Results) -> str:
        rows = [[_cell(arm.get(column, "")) for column in columns] for arm in results["arms"]]
        told = [results["question"], table(columns, rows)]
        if "machine" in results:
            told.append(f"Measured on {results['machine']}, Python {results['python']}.")
        return "\n\n".join(told)

    return render


def missed(results: Results) -> str:
    """Return a row an arm: how many gold mentions it missed, by cause."""
    causes = list(results["arms"][0]["missed"])
    rows = [
        (arm["task"], arm["arm"], *(f"{arm['missed'][cause]:,}" for cause in causes))
        for arm in results["arms"]
    ]
    return table(("task", "arm", *causes), rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _of_speed(render: Callable[[dict[str, Results | None]], str]) -> Callable[[], str]:
    """Return what renders the costs on CPUs and on a GPU, as far as they were measured."""

    def block() -> str:
        found = {name: result(name) for name in PLACES}
        return render(found) if any(found.values()) else NOT_MEASURED

    return block


#: What stands between the markers of the pages, by the name in the marker.
BLOCKS: dict[str, Callable[[], str]] = {
    "demo": _of("demo", short_comparison),
    "demo, all tables": _of("demo", comparison),
    "demo full in short": _of("demo_full", partial(short_comparison, timed=False)),
    "demo full": _of("demo_full", comparison),
    "demo search": _of("demo_search", search),
    "verdict": verdicts,
    "all arms": all_arms,
    "calibration": _of("calibration", calibration),
    "token classification": _of("token_classification", comparison),
    "linking": _of(
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
    "linking missed": _of("linking", missed),
    "linking gold spans missed": _of("linking_gold_spans", missed),
    "linking gold spans": _of(
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
    "linking speed": _of(
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
    "graph reading": _of("graph_reading", measured(("arm", "form", "seconds", "peak MB", "count"))),
    "graph scale": _of(
        "graph_scale",
        measured(("arm", "form", "entities", "edges", "processor seconds", "seconds", "peak MB")),
    ),
    "speed": _of_speed(costs),
    "speed in short": _of_speed(cost_table),
    "scaling": _of("scaling_cpu", scaling),
    "scale": _of("scale", scale),
    "commands": commands,
    "arms": arms,
    "formats": formats,
    "sizes": sizes,
    "dependencies": dependencies,
}

if __name__ == "__main__":
    main()
