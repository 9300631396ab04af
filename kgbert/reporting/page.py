"""Render self-contained HTML pages from templates with a common style."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape


@dataclass(frozen=True)
class Table:
    """A header and rows of text; the first column contains names, the others numbers.

    Attributes:
        title: The caption.
        header: Names of the columns.
        rows: One tuple of texts per row, as long as the header.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Figure:
    """A plot with its title and a sentence that explains it."""

    title: str
    reading: str
    svg: Markup


def render_page(template: Path, values: Mapping[str, Any]) -> str:
    """Return a self-contained HTML page.

    Args:
        template: The template file; it extends ``base.html``, and may include ``base.css`` and
            import from ``macros.html``.
        values: The variables of the template.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, Path(__file__).parent], encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["typeset"] = typeset
    return environment.get_template(template.name).render(values)


def typeset(sentence: str) -> Markup:
    """Return a sentence as escaped HTML with minus signs and non-breaking intervals.

    >>> typeset("-0.4 points <b> [-0.6, 1.5]")
    Markup('−0.4 points &lt;b&gt; <span class="nowrap">[−0.6, 1.5]</span>')
    """
    signed = re.sub(r"(?<![\w.-])-(?=\d)", "−", str(escape(sentence)))
    together = re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", signed)
    return Markup(re.sub(r"(\[−?[\d.]+, −?[\d.]+\])", r'<span class="nowrap">\1</span>', together))
