"""The tables of a comparison, rendered as plain text, Markdown and LaTeX."""

import re
from collections.abc import Callable, Sequence
from statistics import mean
from textwrap import fill

from kgbert.comparison.results import ALSO_TESTED, ArmSummary, ComparisonResult, SliceResult
from kgbert.comparison.statistics.learning_curve import curve_points
from kgbert.comparison.statistics.sign_flip import PairedSummary
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

#: Width at which sentences wrap in a terminal.
WIDTH = 100
#: Kinds of slices with possibly many members; a slice is named "branch: heart", for example.
KINDS = ("branch", "class")
#: LaTeX escapes of special characters and of mathematical signs.
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


def arm_table(result: ComparisonResult) -> Table:
    """Return each arm with its score, its difference to the baseline and its cost."""
    study = result.study
    pairs = {pair.first: pair for pair in result.comparisons if pair.second == study.baseline}
    has_memory = any(arm.cost.peak_memory_mb is not None for arm in result.arms)
    is_pretrained = any(arm.cost.pretrain_seconds is not None for arm in result.arms)
    rows = [
        (
            arm.name,
            _mean_and_spread(arm),
            *_difference(pairs[arm.name].summary if arm.name in pairs else None),
            *([_cost(arm.cost.pretrain_seconds, duration)] if is_pretrained else []),
            _cost(arm.cost.train_seconds, duration),
            *([_cost(arm.cost.peak_memory_mb, memory)] if has_memory else []),
            _cost(arm.cost.parameters, quantity),
        )
        for arm in result.arms
    ]
    metric = metric_name(study.metric)
    capital = metric[0].upper() + metric[1:]
    first = ["pretraining"] if is_pretrained else []
    costs = (*first, "training", *(["memory"] if has_memory else []), "parameters")
    header = ("arm", metric, f"over {study.baseline}", "p", "seeds won", *costs)
    texts = study.manifest.sizes("test")
    measured = f"{capital} in %" + (f" ({texts} test texts per seed)" if texts else "")
    title = f"{measured}, mean ± standard deviation over the arm's finished seeds"
    return Table(title, header, rows)


def rival_table(result: ComparisonResult) -> Table:
    """Return the main arm against each other arm; the arm table covers the baseline."""
    study = result.study
    rows = [
        (f"{study.main} over {pair.second}", *_difference(pair.summary))
        for pair in result.comparisons
        if pair.first == study.main and pair.second != study.baseline
    ]
    title = f"Paired differences in points of {metric_name(study.metric)}"
    return Table(title, ("comparison", "difference", "p", "seeds won"), rows)


def slice_table(result: ComparisonResult, kind: str = "") -> Table:
    """Return the score of the judged arms on slices of the test set, and the difference.

    Args:
        result: A comparison.
        kind: Which slices: those by mentions (empty), "branch" or "class".
    """
    study = result.study
    rows = [
        (
            one.name.removeprefix(f"{kind}: "),
            f"{one.size:,.0f}",
            *(score(value) if value is not None else "" for value in one.means.values()),
            *_difference(one.summary)[:2],
        )
        for one in slices_of_kind(result, kind)
    ]
    arms = list(result.slices[0].means) if result.slices else []
    header = (kind or "slice", "texts", *arms, f"{study.main} over {study.baseline}", "p")
    title = f"Mean {metric_name(study.metric)} in % on slices of the test set"
    return Table(title, header, rows)


def slices_of_kind(result: ComparisonResult, kind: str) -> list[SliceResult]:
    """Return the slices of the test set that are branches, classes, or (empty) neither."""
    return [
        one
        for one in result.slices
        if next((x for x in KINDS if one.name.startswith(f"{x}: ")), "") == kind
    ]


def further_table(result: ComparisonResult) -> Table:
    """Return the mean score of every arm on the further texts that its runs were tested on."""
    names = list(
        dict.fromkeys(x for run in result.runs for x in run.slices if x.startswith(ALSO_TESTED))
    )
    metric, rows = result.study.metric, []
    for arm in dict.fromkeys(run.arm for run in result.runs if names):
        own = [run.slices for run in result.runs if run.arm == arm]
        scores = [
            [value for x in own if name in x and (value := x[name].metrics[metric]) is not None]
            for name in names
        ]
        rows.append((arm, *(_score_or_blank(mean(each) if each else None) for each in scores)))
    header = ("arm", *(name.removeprefix(ALSO_TESTED) for name in names))
    return Table(f"Mean {metric_name(metric)} in % on further texts", header, rows)


def size_table(result: ComparisonResult) -> Table:
    """Return the judged arms and the verdict by number of training texts."""
    main, baseline, *control = result.study.judged_arms
    arms = (baseline, main, *control)
    rows = [
        (
            f"{point.size:,}",
            *(_score_or_blank(point.means[arm]) for arm in arms),
            *(_difference(point.differences[arm])[0] for arm in (baseline, *control)),
            point.outcome,
        )
        for point in curve_points(result)
    ]
    over = (f"over {arm}" for arm in (baseline, *control))
    title = f"Mean {metric_name(result.study.metric)} in % by number of training texts"
    return Table(title, ("training texts", *arms, *over, "verdict"), rows)


def tuning_table(result: ComparisonResult) -> Table:
    """Return the mean validation score of each arm with each learning rate that was tried."""
    tuning = result.study.tuning
    if tuning is None:
        return Table("", (), [])
    scores: dict[str, list[str]] = {}
    for trial in tuning.trials:
        done = [value for value in trial.validation if value is not None]
        mean_score = score(mean(done)) if len(done) == len(trial.validation) else "failed"
        scores.setdefault(trial.arm, []).append(mean_score)
    rows = [(arm, *means, f"{tuning.chosen[arm]:g}") for arm, means in scores.items()]
    header = ("arm", *(f"{rate:g}" for rate in tuning.rates), "chosen")
    title = f"Mean validation {metric_name(tuning.metric)} in % by learning rate of the encoder"
    return Table(title, header, rows)


def render_table(result: ComparisonResult) -> str:
    """Return the tables and the verdict as aligned text for a terminal."""
    blocks = [f"{_wrap(table.title)}\n\n{_align(table)}" for table in _filled_tables(result)]
    sentences = [*_notes(result), result.verdict.sentence]
    return "\n\n".join([*blocks, *map(_wrap, sentences)]) + "\n"


def render_markdown(result: ComparisonResult) -> str:
    """Return the verdict and the tables as Markdown."""
    parts = [f"**{_markdown(result.verdict.sentence)}**"]
    for table in _filled_tables(result):
        lines = [table.header, ("---", *("---:" for _ in table.header[1:])), *table.rows]
        body = [f"| {' | '.join(map(_markdown_cell, line))} |" for line in lines]
        parts.append("\n".join([f"{table.title}:", "", *body]))
    return "\n\n".join([*parts, *map(_markdown, _notes(result))]) + "\n"


def render_latex(result: ComparisonResult) -> str:
    """Return the table of arms as a LaTeX table; it needs the package booktabs."""
    table = arm_table(result)
    lines = [" & ".join(map(_latex, row)) + r" \\" for row in (table.header, *table.rows)]
    caption = _latex(f"{result.verdict.sentence} {table.title}.")
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


def _filled_tables(result: ComparisonResult) -> list[Table]:
    tables = (
        arm_table(result),
        rival_table(result),
        size_table(result),
        slice_table(result),
        further_table(result),
        tuning_table(result),
    )
    return [table for table in tables if table.rows]


def _mean_and_spread(arm: ArmSummary) -> str:
    if arm.mean is None:
        return ""
    return score(arm.mean) + (f" ± {score(arm.sd)}" if arm.sd is not None else "")


def _score_or_blank(value: Number | None) -> str:
    return "" if value is None else score(value)


def _difference(summary: PairedSummary | None) -> tuple[str, str, str]:
    if summary is None:
        return "", "", ""
    mean_difference = f"{points(summary.mean)} {interval(summary.interval)}".strip()
    return mean_difference, p_value(summary.p), f"{summary.wins} of {summary.count}"


def _cost(value: Number | None, form: Callable[[Number], str]) -> str:
    return "" if value is None else form(value)


def _notes(result: ComparisonResult) -> list[str]:
    """Return remarks and warnings, which qualify the tables."""
    return [*result.remarks, *(f"Warning: {warning}" for warning in result.warnings)]


def _wrap(sentence: str) -> str:
    # A non-breaking space keeps the limits of an interval on one line.
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
