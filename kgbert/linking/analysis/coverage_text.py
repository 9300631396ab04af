"""Render linking coverage as a report for the terminal."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from kgbert.graph.health.text import shown
from kgbert.reporting.formatting import counted

if TYPE_CHECKING:
    from kgbert.linking.analysis.coverage import Coverage


def render(found: "Coverage") -> str:
    """Return the report as text."""
    lines = [reach(found)]
    if found.no_links_reason:
        return "\n".join([*lines, f"NOTHING WAS LINKED: {found.no_links_reason}"])
    lines += _listing(
        "most mentioned",
        [f"{it.mentions:,} × {it.name} ({shown(it.entity)})" for it in found.top_entities],
    )
    lines += _listing(
        "rules that matched them",
        [f"{mentions:,} × {rule}" for rule, mentions in found.rules.items()],
    )
    lines += _listing(
        "most ambiguous",
        [f"{it.text}: {it.candidates} candidates, {it.mentions:,} ×" for it in found.ambiguous],
    )
    lines += _listing(
        "in so many texts that they hardly discriminate",
        [f"{it.text}: {it.texts / found.texts:.0%} of the texts" for it in found.too_frequent],
    )
    return "\n".join([*lines, *_generic_names(found), "", fill(str(found.assessment), 100)])


def reach(found: "Coverage") -> str:
    """Return a sentence with the numbers of linked texts, words and entities."""
    return (
        f"{found.linked_texts:,} of {counted(found.texts, 'text')} ({found.text_share:.1%}) and "
        f"{found.linked_words:,} of {counted(found.words, 'word')} ({found.word_share:.1%}) have a "
        f"mention: {counted(found.mentions, 'mention')} ({found.mentions_per_text:.2f} a text) of "
        f"{counted(found.entities, 'entity')}"
    )


def _generic_names(found: "Coverage") -> list[str]:
    names = found.stop_list.names
    if not names:
        return []
    left = found.stop_list
    them = "it" if len(names) == 1 else f"all {len(names):,} of them"
    return [
        *_listing(
            "names that are generic words, and so match too often",
            [f"{it.name}: {it.texts / found.texts:.1%} of the texts" for it in found.generic[:10]],
        ),
        fill(
            f"Without {them} {left.linked_texts:,} texts "
            f"({left.linked_texts / found.texts:.1%}) and {left.mentions:,} mentions are left. "
            "If they rarely mean the entity, exclude them with --exclude-generic-names, or some of "
            f"them with --stop-names {','.join(names[:3])}",
            100,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        ),
    ]


def _listing(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []
