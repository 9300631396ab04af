"""The tables of a comparison, and their form in a terminal, in Markdown and in LaTeX."""

import re
from collections.abc import Callable, Sequence
from statistics import mean
from textwrap import fill
from typing import Any

from kgbert.comparison.statistics.learning_curve import size_rows
from kgbert.comparison.statistics.pairing import judged_arms
from kgbert.reporting.formatting import (
    duration,
    interval,
    memory,
    metric_name,
    p_value,
    points,
    quantity,
    score,
)
from kgbert.reporting.page import Table
from kgbert.reporting.svg import Number

Results = dict[str, Any]

#: Sentences in a terminal are broken at this width.
WIDTH = 100
#: Parts of the test set of which there may be many; they are named "branch: heart".
KINDS = ("branch", "class")
#: Characters that mean something to LaTeX, and signs that it writes in mathematics.
LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "<": "$<$",
    ">": "$>$",
}


def arm_table(results: Results) -> Table:
    """Return each arm with its score, its difference to the baseline and its cost."""
    baseline = results["baseline"]
    duels = {one["first"]: one for one in results["comparisons"] if one["second"] == baseline}
    is_weighed = any("peak_memory_mb" in arm["cost"] for arm in results["arms"])
    rows = [
        (
            arm["arm"],
            _spread(arm),
            *_difference(duels.get(arm["arm"])),
            _cost(arm, "train_seconds", duration),
            *([_cost(arm, "peak_memory_mb", memory)] if is_weighed else []),
            _cost(arm, "parameters", quantity),
        )
        for arm in results["arms"]
    ]
    metric = metric_name(results["metric"])
    capital = metric[0].upper() + metric[1:]
    costs = ("training", *(["memory"] if is_weighed else []), "parameters")
    header = ("arm", metric, f"over {baseline}", "p", "seeds won", *costs)
    title = f"{capital} in %, mean ± standard deviation over the seeds it finished"
    return Table(title, header, rows)


def rival_table(results: Results) -> Table:
    """Return the main arm against each arm but the baseline, which the table of arms shows."""
    main = results["main"]
    rows = [
        (f"{main} over {one['second']}", *_difference(one))
        for one in results["comparisons"]
        if one["first"] == main and one["second"] != results["baseline"]
    ]
    title = f"Paired differences in points of {metric_name(results['metric'])}"
    return Table(title, ("comparison", "difference", "p", "seeds won"), rows)


def strata_table(results: Results, kind: str = "") -> Table:
    """Return the score of the judged arms on parts of the test set, and the difference.

    Args:
        results: The results of a comparison.
        kind: Of which parts: those by mentions (as it is), "branch" or "class".
    """
    chosen = parts_of_kind(results, kind)
    rows = [
        (
            row["stratum"].removeprefix(f"{kind}: "),
            f"{row['size']:,.0f}",
            *(score(value) if value is not None else "" for value in row["arms"].values()),
            *_difference(row)[:2],
        )
        for row in chosen
    ]
    arms = list(results["strata"][0]["arms"]) if results["strata"] else []
    difference = f"{results['main']} over {results['baseline']}"
    header = (kind or "part", "texts", *arms, difference, "p")
    title = f"Mean {metric_name(results['metric'])} in % on parts of the test set"
    return Table(title, header, rows)


def parts_of_kind(results: Results, kind: str) -> list[dict[str, Any]]:
    """Return the parts of the test set that are branches, classes, or (as it is) neither."""
    return [
        row
        for row in results["strata"]
        if next((x for x in KINDS if row["stratum"].startswith(f"{x}: ")), "") == kind
    ]


def size_table(results: Results) -> Table:
    """Return the judged arms and the verdict by number of training texts."""
    main, baseline, *control = judged_arms(results)
    arms = (baseline, main, *control)
    rows = [
        (
            f"{row['size']:,}",
            *(score(row["arms"][arm]) if row["arms"][arm] is not None else "" for arm in arms),
            *(_difference(row["over"][arm])[0] for arm in (baseline, *control)),
            row["outcome"],
        )
        for row in size_rows(results)
    ]
    over = (f"over {arm}" for arm in (baseline, *control))
    title = f"Mean {metric_name(results['metric'])} in % by number of training texts"
    return Table(title, ("training texts", *arms, *over, "verdict"), rows)


def tuning_table(results: Results) -> Table:
    """Return the mean validation score of each arm with each learning rate that was tried."""
    told = results.get("tuning") or {"rates": [], "tried": [], "chosen": {}, "metric": ""}
    scores: dict[str, list[str]] = {}
    for trial in told["tried"]:
        done = [value for value in trial["validation"] if value is not None]
        shown = score(mean(done)) if len(done) == len(trial["validation"]) else "failed"
        scores.setdefault(trial["arm"], []).append(shown)
    rows = [(arm, *shown, f"{told['chosen'][arm]:g}") for arm, shown in scores.items()]
    header = ("arm", *(f"{rate:g}" for rate in told["rates"]), "chosen")
    title = f"Mean validation {metric_name(told['metric'])} in % by learning rate of the encoder"
    return Table(title, header, rows)


def render_table(results: Results) -> str:
    """Return the tables and the verdict as aligned text for a terminal."""
    blocks = [f"{table.title}\n\n{_align(table)}" for table in _filled_tables(results)]
    said = [*_notes(results), results["verdict"]["sentence"]]
    return "\n\n".join([*blocks, *map(_wrap, said)]) + "\n"


def render_markdown(results: Results) -> str:
    """Return the verdict and the tables as Markdown."""
    parts = [f"**{_markdown(results['verdict']['sentence'])}**"]
    for table in _filled_tables(results):
        lines = [table.header, ("---", *("---:" for _ in table.header[1:])), *table.rows]
        body = [f"| {' | '.join(map(_markdown_cell, line))} |" for line in lines]
        parts.append("\n".join([f"{table.title}:", "", *body]))
    return "\n\n".join([*parts, *map(_markdown, _notes(results))]) + "\n"


def render_latex(results: Results) -> str:
    """Return the table of arms as a LaTeX table; it needs the package booktabs."""
    table = arm_table(results)
    lines = [" & ".join(map(_latex, row)) + r" \\" for row in (table.header, *table.rows)]
    caption = _latex(f"{results['verdict']['sentence']} {table.title}.")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _filled_tables(results: Results) -> list[Table]:
    tables = (
        arm_table(results),
        rival_table(results),
        size_table(results),
        strata_table(results),
        tuning_table(results),
    )
    return [table for table in tables if table.rows]


def _spread(arm: dict[str, Any]) -> str:
    if arm["mean"] is None:
        return ""
    return score(arm["mean"]) + (f" ± {score(arm['sd'])}" if arm["sd"] is not None else "")


def _difference(duel: dict[str, Any] | None) -> tuple[str, str, str]:
    if duel is None or not duel["count"]:
        return "", "", ""
    mean = f"{points(duel['mean'])} {interval(duel['interval'])}".strip()
    return mean, p_value(duel["p"]), f"{duel['wins']} of {duel['count']}"


def _cost(arm: dict[str, Any], cost: str, form: Callable[[Number], str]) -> str:
    return form(arm["cost"][cost]) if cost in arm["cost"] else ""


def _notes(results: Results) -> list[str]:
    """Return what a reader of the tables alone would miss."""
    return [*results["remarks"], *(f"Warning: {warning}" for warning in results["warnings"])]


def _wrap(sentence: str) -> str:
    # A hard space keeps the limits of an interval on one line.
    together = re.sub(r"\[(\S+), (\S+)\]", "[\\1,\xa0\\2]", sentence)
    return fill(together, WIDTH).replace("\xa0", " ")


def _align(table: Table) -> str:
    lines = [table.header, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths).rstrip() for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_<>|])", r"\\\1", text)


def _markdown_cell(text: str) -> str:
    return text if set(text) <= set("-:") else _markdown(text)


def _latex(text: str) -> str:
    escaped = "".join(LATEX.get(sign, sign) for sign in text)
    return re.sub(r"(?<!\w)-(?=\d)", "$-$", escaped)
