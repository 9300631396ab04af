"""Horizontal bar plots as static SVG; colours come from the page's style sheet."""

from collections.abc import Sequence

from kgbert.reporting.svg import Number, drawing, rectangle, text

WIDTH = 460
#: Approximate width of a letter, to reserve space for names and numbers.
LETTER = 8
#: Height of a row with the name left of its bar, and with the name above it.
_ROW, _TALL = 24, 44

Bar = tuple[str, int]


def bar_plot(bars: Sequence[Bar], title: str) -> str:
    """Return a plot with one bar per row, its name on the left and its number at the end."""
    left = LETTER * max(len(name) for name, _ in bars) + 8
    room = WIDTH - left - LETTER * max(len(f"{count:,}") for _, count in bars) - 10
    most = max(1, *(count for _, count in bars))
    pieces = []
    for number, (name, count) in enumerate(bars):
        top, length = _ROW * number, room * count / most
        pieces += [
            text(left - 8, top + 16, name, classes="tick end"),
            rectangle((left, top + 4), (length, _ROW - 8), classes="bar"),
            text(left + length + 6, top + 16, f"{count:,}"),
        ]
    return drawing(pieces, (WIDTH, _ROW * len(bars)), _description(title, bars))


def nested_plot(bars: Sequence[tuple[Bar, Sequence[Bar]]], title: str) -> str:
    """Return a plot with one bar per row below its name, divided into its largest parts."""
    most = max(1, *(count for (_, count), _ in bars))
    pieces = []
    for number, ((name, count), parts) in enumerate(bars):
        top, end = _TALL * number, 0.0
        pieces += [
            text(0, top + 16, _truncated(name, WIDTH - LETTER * len(f"{count:,}") - 12)),
            text(WIDTH, top + 16, f"{count:,}", classes="end"),
            rectangle((0, top + 22), (WIDTH * count / most, 10), classes="bar rest"),
        ]
        for _, part in parts:
            length = WIDTH * part / most
            # A gap separates the parts where they are wide enough.
            pieces.append(rectangle((end, top + 22), (max(0.5, length - 1.5), 10), classes="bar"))
            end += length
    return drawing(
        pieces, (WIDTH, _TALL * len(bars)), _description(title, [bar for bar, _ in bars])
    )


def _truncated(name: str, width: Number) -> str:
    letters = int(width / LETTER)
    return name if len(name) <= letters else f"{name[: letters - 1].rstrip()}…"


def _description(title: str, bars: Sequence[Bar]) -> str:
    return f"{title}: {'; '.join(f'{name} {count:,}' for name, count in bars)}"
