"""Scales and SVG elements shared by all plots."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Both types, because the run-time type checks do not accept an int as a float.
Number = float | int

#: Round steps between ticks, to be multiplied by a power of ten.
STEPS = (1, 2, 5, 10)

Place = tuple[Number, Number]


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to positions in a plot.

    Attributes:
        low: Value at ``start``.
        high: Value at ``end``.
        start: Position of the lowest value.
        end: Position of the highest value; below ``start`` on a vertical axis.
        ticks: Values to label.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def place(self, value: Number) -> float:
        """Return the position of a value."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def fit_axis(values: Iterable[Number], start: Number, end: Number, *, ticks: int = 5) -> Axis:
    """Return an axis over round numbers that contains all values.

    >>> axis = fit_axis([-0.6, 4.2], 0, 100)
    >>> axis.ticks, axis.place(0.0)
    ((-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0), 16.7)
    >>> fit_axis([60.0, 60.0], 0, 100).ticks
    (59.0, 59.5, 60.0, 60.5, 61.0)
    """
    numbers = list(values)
    low, high = min(numbers), max(numbers)
    if high - low <= 1e-6 * max(abs(low), abs(high), 1.0):
        # Equal up to rounding: ticks between the values would show rounding errors.
        low, high = low - 1.0, high + 1.0
    rough = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * step for step in STEPS if power * step >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    marks = tuple(round(step * number, 10) for number in range(first, last + 1))
    return Axis(marks[0], marks[-1], float(start), float(end), marks)


def tick_label(value: Number) -> str:
    """Return the label of a tick, with a minus sign instead of a hyphen.

    >>> tick_label(-2.0), tick_label(0.5)
    ('−2', '0.5')
    """
    return f"{value:g}".replace("-", "−")


def text(x: Number, y: Number, content: str, *, classes: str = "") -> str:
    """Return an SVG text element with escaped content."""
    return f'<text class="{classes}" x="{x:g}" y="{y:g}">{escape(content)}</text>'


def line(start: Place, end: Place, *, classes: str = "") -> str:
    """Return an SVG line."""
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{classes}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def path(points: Sequence[Place], *, classes: str = "") -> str:
    """Return an SVG line through points."""
    places = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline class="{classes}" points="{places}"/>'


def dot(x: Number, y: Number, *, radius: float = 3.0, classes: str = "") -> str:
    """Return an SVG dot."""
    return f'<circle class="{classes}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'


def rectangle(corner: Place, size: Place, *, classes: str = "") -> str:
    """Return an SVG rectangle from its upper left corner."""
    (x, y), (width, height) = corner, size
    return (
        f'<rect class="{classes}" x="{x:.4g}" y="{y:g}" width="{width:.4g}" height="{height:g}"/>'
    )


def drawing(pieces: Iterable[str], size: tuple[int, int], description: str) -> str:
    """Return an SVG image with a description for screen readers."""
    width, height = size
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(description)}">'
        f"{''.join(pieces)}</svg>"
    )


def spread_apart(places: Sequence[Number], gap: Number) -> list[float]:
    """Return the positions shifted so that neighbours are at least ``gap`` apart, in input order.

    >>> spread_apart([50.0, 51.0, 90.0], 14.0)
    [43.5, 57.5, 90.0]
    """
    order = sorted(range(len(places)), key=lambda at: places[at])
    groups: list[list[int]] = []
    for at in order:
        groups.append([at])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], places, gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    moved = [float(place) for place in places]
    for group in groups:
        top = _top(group, places, gap)
        for number, at in enumerate(group):
            moved[at] = top + number * gap
    return moved


def _top(group: list[int], places: Sequence[Number], gap: Number) -> float:
    middle = sum(places[at] for at in group) / len(group)
    return middle - gap * (len(group) - 1) / 2


def _overlap(above: list[int], below: list[int], places: Sequence[Number], gap: Number) -> bool:
    last = _top(above, places, gap) + gap * (len(above) - 1)
    return _top(below, places, gap) - last < gap
