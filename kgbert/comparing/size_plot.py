"""How the arms do with more and more training texts, as SVG."""

import math
from collections.abc import Sequence
from typing import Any

from kgbert.comparing.plots import COLOURS, WIDTH, end_of_lines, names_at_ends, score_grid
from kgbert.drawing.axis import Axis, Number, dot, drawing, fit_axis, path, text


def size_plot(rows: Sequence[dict[str, Any]], arms: Sequence[str], unit: str) -> str:
    """Return the mean score of each arm by the number of training texts, on a logarithmic axis."""
    top, bottom, left = 24, 236, 44
    right = end_of_lines(arms)
    axis = fit_axis([100 * row["arms"][arm] for row in rows for arm in arms], bottom, top)
    sizes = _logarithmic([row["size"] for row in rows], left + 14, right - 8)
    pieces = score_grid(axis, left, f"{unit}, %", right)
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
    pieces += names_at_ends(arms, [curve[-1][1] for curve in curves], right)
    return drawing(pieces, (WIDTH, bottom + 46), f"{unit} by number of training texts, arm by arm")


def _logarithmic(sizes: Sequence[int], start: Number, end: Number) -> Axis:
    low, high = math.log(min(sizes)), math.log(max(sizes))
    return Axis(low, high, float(start), float(end), ())
