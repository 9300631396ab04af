"""Markdown tables, and parts of the sentences below them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; numeric columns are right-aligned."""
    rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    marks = ["---:" if _numeric(column) else "---" for column in zip(*rows, strict=True)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


def versions_of(results: Mapping[str, Any]) -> str:
    """Return the versions that a measurement was made with, in words."""
    return ", ".join(f"{name} {number}" for name, number in results["versions"].items())


def _numeric(column: Sequence[str]) -> bool:
    return all(re.match(r"[-+<]?\d|$", cell) for cell in column) and any(column)
