"""The tables of a comparison, and their form in a terminal, in Markdown and in LaTeX."""

import re
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any

from kgbert.comparing.wording import (
    duration,
    interval,
    metric_name,
    p_value,
    points,
    quantity,
    score,
)
from kgbert.drawing.axis import Number
from kgbert.drawing.page import Table

Results = dict[str, Any]

#: Sentences in a terminal are broken at this width.
WIDTH = 100
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
    rows = [
        (
            arm["arm"],
            _spread(arm),
            *_difference(duels.get(arm["arm"])),
            _cost(arm, "train_seconds", duration),
            _cost(arm, "parameters", quantity),
        )
        for arm in results["arms"]
    ]
    metric = metric_name(results["metric"])
    capital = metric[0].upper() + metric[1:]
    header = ("arm", metric, f"over {baseline}", "p", "seeds won", "training", "parameters")
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


def strata_table(results: Results) -> Table:
    """Return the score of the judged arms on each part of the test set, and the difference."""
    rows = [
        (
            row["stratum"],
            f"{row['size']:,.0f}",
            *(score(value) if value is not None else "" for value in row["arms"].values()),
            *_difference(row)[:2],
        )
        for row in results["strata"]
    ]
    arms = list(results["strata"][0]["arms"]) if results["strata"] else []
    difference = f"{results['main']} over {results['baseline']}"
    header = ("part", "texts", *arms, difference, "p")
    title = f"Mean {metric_name(results['metric'])} in % on parts of the test set"
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
    tables = (arm_table(results), rival_table(results), strata_table(results))
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
