"""The plots of a report as static SVG; colours come from the page's style sheet."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from kgbert.comparison.results import ArmSummary, LearningCurvePoint, TrainingCurve
from kgbert.reporting.formatting import interval, points, score
from kgbert.reporting.svg import (
    Axis,
    Number,
    dot,
    drawing,
    fit_axis,
    line,
    path,
    spread_apart,
    text,
    tick_label,
)


def size_plot(points: Sequence[LearningCurvePoint], arms: Sequence[str], unit: str) -> str:
    """Return a plot of each arm's mean score by number of training texts, on a logarithmic axis."""
    top, bottom, left = 24, 236, 44
    right = end_of_lines(arms)
    scores = {arm: [_mean_score(point, arm) for point in points] for arm in arms}
    axis = fit_axis([score for curve in scores.values() for score in curve], bottom, top)
    sizes = _logarithmic([point.size for point in points], left + 14, right - 8)
    places = [sizes.place(math.log(point.size)) for point in points]
    pieces = score_grid(axis, left, f"{unit}, %", right)
    for point, x in zip(points, places, strict=True):
        pieces.append(text(x, bottom + 20, f"{point.size:,}", classes="tick middle"))
    pieces.append(text((left + right) / 2, bottom + 38, "training texts", classes="tick middle"))
    curves = [list(zip(places, map(axis.place, scores[arm]), strict=True)) for arm in arms]
    for number, curve in enumerate(curves):
        colour = f"arm{number % COLOURS}"
        pieces.append(path(curve, classes=f"mean {colour}"))
        pieces += [dot(x, y, radius=3.5, classes=f"point {colour}") for x, y in curve]
    pieces += names_at_ends(arms, [curve[-1][1] for curve in curves], right)
    return drawing(pieces, (WIDTH, bottom + 46), f"{unit} by number of training texts, arm by arm")


def _mean_score(point: LearningCurvePoint, arm: str) -> float:
    score = point.means[arm]
    assert score is not None, "only arms with a mean at every size are drawn"
    return 100 * score


def _logarithmic(sizes: Sequence[int], start: Number, end: Number) -> Axis:
    low, high = math.log(min(sizes)), math.log(max(sizes))
    return Axis(low, high, float(start), float(end), ())


WIDTH = 460
#: Approximate width of a letter, to reserve space for names.
LETTER = 8
#: The same for a bold letter on a phone, whose letters are larger.
BOLD_LETTER = 9.4
#: Maximum length of a name, to leave space for the lines.
LONGEST_NAME = 20
#: Distance from the end of a line to its name.
NAME_GAP = 10
#: Number of arm colours in the style sheet; further arms reuse them.
COLOURS = 6


@dataclass(frozen=True)
class Effect:
    """One row of a forest plot.

    Attributes:
        label: What is compared.
        differences: The paired differences of single seeds.
        mean: Their mean.
        interval: Its interval; None with too few seeds.
    """

    label: str
    differences: Sequence[Number]
    mean: Number
    interval: Sequence[Number] | None


def forest_plot(effects: Sequence[Effect], unit: str) -> str:
    """Return a plot of each effect's mean, interval and seeds on one axis with a zero line."""
    row = 46
    bottom = row * len(effects)
    values = [100 * value for effect in effects for value in _extent(effect)]
    axis = fit_axis([0.0, *values], 12, WIDTH - 12)
    pieces = _tick_labels(axis, bottom, f"points of {unit}")
    for number, effect in enumerate(effects):
        pieces += _effect(effect, axis, row * number)
    numbers = "; ".join(f"{effect.label} {_numbers(effect)}" for effect in effects)
    return drawing(
        pieces, (WIDTH, bottom + 42), f"Paired differences in points of {unit}: {numbers}"
    )


def seed_plot(arms: Sequence[tuple[str, Sequence[Number]]], unit: str) -> str:
    """Return a plot with one line per seed across the arms."""
    top, bottom, left = 24, 236, 44
    axis = fit_axis([100 * value for _, values in arms for value in values], bottom, top)
    step = (WIDTH - left - 24) / len(arms)
    middles = [left + step * (number + 0.5) for number in range(len(arms))]
    pieces = score_grid(axis, left, f"{unit}, %")
    for seed in zip(*(values for _, values in arms), strict=True):
        places = [(x, axis.place(100 * value)) for x, value in zip(middles, seed, strict=True)]
        pieces += [path(places, classes="seed"), *(dot(x, y, classes="seed") for x, y in places)]
    for number, (x, (name, values)) in enumerate(zip(middles, arms, strict=True)):
        y = axis.place(100 * mean(values))
        colour = f"arm{number % COLOURS}"
        pieces += [
            line((x - 20, y), (x + 20, y), classes=f"mean {colour}"),
            text(x + 25, y + 4, score(mean(values)), classes=f"strong {colour}"),
            *_stacked(x, bottom + 20, name, step),
        ]
    means = ", ".join(f"{name} {score(mean(values))}" for name, values in arms)
    return drawing(pieces, (WIDTH, bottom + 42), f"{unit} of each seed; means: {means}")


def curve_plot(arms: Sequence[ArmSummary], unit: str) -> str:
    """Return a plot of the validation score by epoch: faint lines for seeds, bold for the mean."""
    top, bottom, left = 24, 236, 44
    right = end_of_lines([arm.name for arm in arms])
    curves = [[_curve(run) for run in arm.curves] for arm in arms]
    every = [place for arm in curves for curve in arm for place in curve]
    axis = fit_axis([100 * score for _, score in every], bottom, top)
    epochs = _epoch_axis([epoch for epoch, _ in every], left + 8, right)
    pieces = score_grid(axis, left, f"{unit} on validation, %", right)
    pieces += [
        text(epochs.place(epoch), bottom + 20, tick_label(epoch), classes="tick middle")
        for epoch in epochs.ticks
    ]
    pieces.append(text((left + right) / 2, bottom + 38, "epoch", classes="tick middle"))
    ends = []
    for number, arm in enumerate(curves):
        colour = f"arm{number % COLOURS}"
        pieces += [path(_placed(curve, epochs, axis), classes=f"faint {colour}") for curve in arm]
        average = _placed(_average(arm), epochs, axis)
        pieces.append(path(average, classes=f"mean {colour}"))
        ends.append(average[-1] if average else _placed(arm[0], epochs, axis)[-1])
    pieces += names_at_ends([arm.name for arm in arms], [y for _, y in ends], right)
    return drawing(pieces, (WIDTH, bottom + 46), f"{unit} on validation by epoch, arm by arm")


def score_grid(axis: Axis, left: Number, unit: str, right: Number = WIDTH) -> list[str]:
    """Return a labelled grid line at each tick, and the unit above them."""
    pieces = [text(0, 10, unit, classes="tick")]
    for tick in axis.ticks:
        y = axis.place(tick)
        pieces += [
            line((left, y), (right, y), classes="grid"),
            text(left - 8, y + 4, tick_label(tick), classes="tick end"),
        ]
    return pieces


def end_of_lines(arms: Sequence[str]) -> int:
    """Return the x position where lines end, to leave space for the arms' names."""
    longest = max(len(_shortened(arm)) for arm in arms)
    return WIDTH - NAME_GAP - math.ceil(BOLD_LETTER * longest)


def names_at_ends(arms: Sequence[str], places: Sequence[Number], right: Number) -> list[str]:
    """Return each arm's name in its colour at the end of its line, without overlaps."""
    return [
        text(right + NAME_GAP, y + 4, _shortened(arm), classes=f"strong arm{number % COLOURS}")
        for number, (arm, y) in enumerate(zip(arms, spread_apart(places, 17.0), strict=True))
    ]


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _extent(effect: Effect) -> list[Number]:
    return [*effect.differences, effect.mean, *(effect.interval or ())]


def _numbers(effect: Effect) -> str:
    numbers = f"{points(effect.mean)} {interval(effect.interval)}".strip()
    return numbers.replace("-", "−")


def _effect(effect: Effect, axis: Axis, top: Number) -> list[str]:
    y = top + 30
    pieces = [
        text(12, top + 14, effect.label),
        text(WIDTH - 12, top + 14, _numbers(effect), classes="strong end"),
        # The lines are interrupted, so that they cross no name and no number.
        *(
            line((x, y - 9), (x, y + 9), classes="zero" if tick == 0 else "grid")
            for x, tick in zip(map(axis.place, axis.ticks), axis.ticks, strict=True)
        ),
        *(dot(axis.place(100 * value), y, classes="seed") for value in effect.differences),
    ]
    if effect.interval:
        low, high = (axis.place(100 * limit) for limit in effect.interval)
        pieces.append(line((low, y), (high, y), classes="interval"))
    return [*pieces, dot(axis.place(100 * effect.mean), y, radius=5.0, classes="effect")]


def _tick_labels(axis: Axis, bottom: Number, unit: str) -> list[str]:
    """Return the label of each tick below a plot, and the unit below them."""
    ticks = [
        text(axis.place(tick), bottom + 14, tick_label(tick), classes="tick middle")
        for tick in axis.ticks
    ]
    return [*ticks, text(WIDTH / 2, bottom + 34, unit, classes="tick middle")]


def _stacked(x: float, y: Number, name: str, width: float) -> list[str]:
    """Return a name below a column, wrapped to two lines where it is too wide."""
    words = re.findall(r"[^\s-]+(?:-|\s*)", name)
    if len(name) * LETTER <= width or len(words) == 1:
        return [text(x, y, name, classes="middle")]
    half = (len(words) + 1) // 2
    lines = ("".join(words[:half]).rstrip(), "".join(words[half:]))
    return [text(x, y + 16 * number, part, classes="middle") for number, part in enumerate(lines)]


def _epoch_axis(epochs: Sequence[float], start: Number, end: Number) -> Axis:
    """Return an axis from the first epoch to the last, labelled at whole epochs."""
    first, last = min(epochs), max(epochs)
    last = max(last, first + 1)
    step = max(1, round((last - first) / 6))
    ticks = tuple(float(epoch) for epoch in range(math.ceil(first), math.floor(last) + 1, step))
    return Axis(first, last, float(start), float(end), ticks)


def _curve(run: TrainingCurve) -> list[tuple[float, float]]:
    """Return the (epoch, score) of each evaluation of a run."""
    return [(float(step.epoch), step.validation) for step in run.history]


def _average(curves: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the mean curve over the epochs that every run reached.

    Beyond those epochs the mean would cover a different set of runs.
    """
    scores = [dict(curve) for curve in curves]
    shared = sorted(set(scores[0]).intersection(*scores[1:]))
    return [(epoch, mean(score[epoch] for score in scores)) for epoch in shared]


def _placed(
    curve: list[tuple[float, float]], epochs: Axis, axis: Axis
) -> list[tuple[float, float]]:
    return [(epochs.place(epoch), axis.place(100 * score)) for epoch, score in curve]
