"""Plots of the structure of a graph."""

from collections.abc import Iterator

from markupsafe import Markup

from kgbert.graph.health.structure import GraphStructure
from kgbert.reporting.bars import bar_plot, nested_plot
from kgbert.reporting.page import Figure

#: Most levels and branches in a plot; deeper levels are added up.
_LEVELS, _BRANCHES = 16, 8


def structure_figures(shape: GraphStructure) -> Iterator[Figure]:
    """Yield the plots for which the structure has data."""
    branches = [
        ((branch.name, branch.entities), [(part.name, part.entities) for part in branch.branches])
        for branch in shape.branches[:_BRANCHES]
        if branch.entities > 1
    ]
    if branches:
        below = f" below {shape.trunk}" if shape.trunk else ""
        yield Figure(
            f"The largest branches{below}",
            "Entities in each, and how they fall into the largest parts; an entity with several "
            "parents counts once.",
            Markup(nested_plot(branches, "Largest branches")),
        )
    if len(shape.level_sizes) > 1:
        yield Figure(
            "How deep it is",
            "Entities by their distance from the nearest root of a hierarchy.",
            Markup(bar_plot(_levels(shape), "Entities by level")),
        )
    if shape.degrees:
        yield Figure(
            "How connected it is",
            "Entities by the number of their edges, in either direction.",
            Markup(bar_plot(_degrees(shape), "Entities by number of edges")),
        )


def _levels(shape: GraphStructure) -> list[tuple[str, int]]:
    sizes = list(shape.level_sizes)
    named = [("root" if level == 0 else str(level), size) for level, size in enumerate(sizes)]
    if len(named) <= _LEVELS:
        return named
    return [*named[:_LEVELS], (f"{_LEVELS} and more", sum(sizes[_LEVELS:]))]


def _degrees(shape: GraphStructure) -> list[tuple[str, int]]:
    return [
        (f"{low:,}" if low == high else f"{low:,} to {high:,}", count)
        for low, high, count in shape.degrees
    ]
