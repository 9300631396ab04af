"""How the arms do with more and more training texts, as SVG."""

import math
from collections.abc import Sequence
from typing import Any

from kgbert.comparing.plots import COLOURS, LETTER, WIDTH
from kgbert.drawing.axis import (
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


def size_plot(rows: Sequence[dict[str, Any]], arms: Sequence[str], unit: str) -> str:
    """Return the mean score of each arm by the number of training texts, on a logarithmic axis."""
    top, bottom, left = 24, 236, 44
    right = WIDTH - 24 - min(180, LETTER * max(map(len, arms)))
    axis = fit_axis([100 * row["arms"][arm] for row in rows for arm in arms], bottom, top)
    sizes = _logarithmic([row["size"] for row in rows], left + 14, right - 8)
    pieces = [text(0, 10, f"{unit}, %", classes="tick")]
    for tick in axis.ticks:
        y = axis.place(tick)
        pieces += [
            line((left, y), (right, y), classes="grid"),
            text(left - 8, y + 4, tick_label(tick), classes="tick end"),
        ]
    for row in rows:
        x = sizes.place(math.log(row["size"]))
        pieces.append(text(x, bottom + 20, f"{row['size']:,}", classes="tick middle"))
    pieces.append(text((left + right) / 2, bottom + 38, "training texts", classes="tick middle"))
    curves = [
        [(sizes.place(math.log(row["size"])), axis.place(100 * row["arms"][arm])) for row in rows]
        for arm in arms
    ]
    for number, curve in enumerate(curves):
        colour = f"arm{number % COLOURS}"
        pieces.append(path(curve, classes=f"mean {colour}"))
        pieces += [dot(x, y, radius=3.5, classes=f"point {colour}") for x, y in curve]
    labels = spread_apart([curve[-1][1] for curve in curves], 17.0)
    pieces += [
        text(right + 10, y + 4, arm, classes=f"strong arm{number % COLOURS}")
        for number, (arm, y) in enumerate(zip(arms, labels, strict=True))
    ]
    return drawing(pieces, (WIDTH, bottom + 46), f"{unit} by number of training texts, arm by arm")


def _logarithmic(sizes: Sequence[int], start: Number, end: Number) -> Axis:
    low, high = math.log(min(sizes)), math.log(max(sizes))
    return Axis(low, high, float(start), float(end), ())
