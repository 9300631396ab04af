"""The picture of the README: two plots of the demo's report and its verdict, as one SVG."""

import re
from html import escape
from pathlib import Path
from textwrap import wrap

import kgbert
from kgbert.comparison.report.plots import Effect, forest_plot, seed_plot
from kgbert.comparison.results import ComparisonResult
from kgbert.reporting.formatting import metric_name

PACKAGE = Path(kgbert.__file__).parent

#: The report's style sheets, the colours first.
STYLES = (
    PACKAGE / "reporting" / "paper.css",
    PACKAGE / "reporting" / "base.css",
    PACKAGE / "comparison" / "report" / "report.css",
)

WIDTH, GAP, MARGIN = 1000, 40, 20
#: Characters of the verdict per line.
LETTERS = 92


def draw(results: ComparisonResult | None) -> str:
    """Return the plots side by side below the verdict, or a note that there is no result."""
    if results is None or not results.complete_seeds:
        return _page([_heading("Not measured yet.", 40)], 80)
    lines = wrap(results.verdict.sentence, LETTERS)
    heading = [_heading(line, 34 + 28 * number) for number, line in enumerate(lines)]
    top = 34 + 28 * len(lines)
    half = (WIDTH - GAP - 2 * MARGIN) // 2
    plots = [_forest(results), _seeds(results)]
    plot_height = max(round(half * _height(plot) / _width(plot)) for plot in plots)
    placed = [
        plot.replace(
            "<svg ",
            f'<svg x="{x}" y="{top}" width="{half}" height="{plot_height}" '
            'preserveAspectRatio="xMidYMid" ',
            1,
        )
        for plot, x in zip(plots, (MARGIN, MARGIN + half + GAP), strict=True)
    ]
    return _page([*heading, *placed], top + plot_height + MARGIN)


def _forest(results: ComparisonResult) -> str:
    effects = [
        Effect(
            f"knowledge over {pair.second}",
            pair.differences,
            pair.summary.mean,
            pair.summary.interval,
        )
        for pair in results.comparisons
        if pair.first == results.study.main and pair.summary
    ]
    return forest_plot(effects, metric_name(results.study.metric))


def _seeds(results: ComparisonResult) -> str:
    complete = results.complete_seeds
    arms = []
    for arm in results.arms:
        by_seed = dict(zip(arm.seeds, arm.scores, strict=True))
        if by_seed.keys() >= set(complete):
            arms.append((arm.name, [by_seed[seed] for seed in complete]))
    return seed_plot(arms, metric_name(results.study.metric))


def _heading(line: str, y: int) -> str:
    return f'<text class="verdict" x="{MARGIN}" y="{y}">{escape(line)}</text>'


def _page(pieces: list[str], height: int) -> str:
    style = _style() + " .verdict { font-size: 20px; } .paper { fill: var(--paper); }"
    style += " svg { font-family: system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">\n'
        f"<style>\n{style}\n</style>\n"
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>\n'
        + "\n".join(pieces)
        + "\n</svg>\n"
    )


def _style() -> str:
    """Return the rules of the report's style sheets that its plots use."""
    sheet = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    colours = re.findall(
        r"^(?::root|@media screen and .prefers)[^{]*\{(?:[^{}]|\{[^{}]*\})*\}", sheet, re.MULTILINE
    )
    rules = re.findall(r"^svg [^{]+\{[^}]+\}", sheet, re.MULTILINE)
    return "\n".join([*colours, "svg { font-size: 13px; fill: var(--ink); }", *rules])


def _width(plot: str) -> int:
    return _size(plot)[0]


def _height(plot: str) -> int:
    return _size(plot)[1]


def _size(plot: str) -> tuple[int, int]:
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', plot)
    assert found, "every plot has a view box"
    return int(found[1]), int(found[2])
