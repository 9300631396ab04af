"""Render the health of a graph, and its coverage of texts, as one HTML page."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.health.plots import structure_figures
from kgbert.graph.health.report import Health
from kgbert.graph.health.text import FINDINGS, named, shown
from kgbert.linking.analysis.coverage import Coverage
from kgbert.linking.analysis.coverage_text import reach
from kgbert.linking.analysis.entity_summary import EntitySummary, summarize_entity
from kgbert.linking.analysis.overlap import RULE
from kgbert.reporting.bars import bar_plot
from kgbert.reporting.formatting import counted
from kgbert.reporting.page import Figure, Table, render_page
from kgbert.utils.atomic_write import write_atomically

#: Maps the outcome of an OverlapAssessment to CSS class and heading.
_OUTCOMES = {
    "enough": ("helps", "Sufficient overlap"),
    "doubtful": ("warn", "Doubtful"),
    "too little": ("hurts", "Insufficient overlap"),
    "none": ("hurts", "No overlap"),
    "too few texts": ("open", "Too few texts"),
}

#: Maximum numbers of table rows, listed relations and displayed entities.
_ROWS, _RELATIONS, _ENTITIES = 10, 12, 4


def write_graph_report(
    graph: KnowledgeGraph,
    path: str | Path,
    *,
    coverage: Coverage | None = None,
    warnings: Sequence[str] = (),
) -> Path:
    """Write a self-contained report for screen, phone and print, and return its path.

    Args:
        graph: The graph.
        path: The file to write.
        coverage: Linking statistics of texts; adds an assessment whether the graph can help.
        warnings: Sentences about texts and graph that come first.
    """
    return write_atomically(path, render_graph_report(graph, graph.health(), coverage, warnings))


def render_graph_report(
    graph: KnowledgeGraph,
    health: Health,
    found: Coverage | None = None,
    warnings: Sequence[str] = (),
) -> str:
    """Return the report as HTML."""
    colour, outcome = _OUTCOMES[found.assessment.outcome] if found else ("open", "The graph")
    return render_page(
        Path(__file__).with_name("graph_report.html"),
        {
            "name": Path(health.source).name or "graph in memory",
            "outcome": outcome,
            "outcome_class": colour,
            "sentence": found.assessment.sentence if found else _size(health),
            "facts": [*(_sizes(health) if found else ()), *_reach(health)],
            "reasons": found.assessment.reasons if found else (),
            "warnings": warnings,
            "no_links_reason": found.no_links_reason if found else "",
            "found": found,
            "reach": reach(found) if found else "",
            "text_figures": list(_text_figures(found)) if found and found.mentions else [],
            "text_tables": list(_text_tables(found)) if found else [],
            "figures": [
                *structure_figures(health.shape),
                *_relation_figures(health),
                *_name_figures(health),
            ],
            "about": list(_about(health)),
            "findings": list(_findings(health)),
            "notes": health.notes,
            "entities": list(_entities(graph, found)),
            "rule": RULE,
        },
    )


def _size(health: Health) -> str:
    return (
        f"{counted(health.entities, 'entity')} with {counted(health.names, 'name')}, connected by "
        f"{counted(health.edges, 'edge')}."
    )


def _sizes(health: Health) -> Iterator[str]:
    yield counted(health.entities, "entity")
    yield counted(health.names, "name")
    yield counted(health.edges, "edge")


def _reach(health: Health) -> Iterator[str]:
    yield counted(len(health.relations), "relation")
    if health.roots.count:
        yield f"{counted(health.depth, 'level')} below the nearest root"


def _about(health: Health) -> Iterator[tuple[str, str]]:
    yield "source", health.source or "in memory"
    yield "version", health.version or "not stated"
    yield "licence", health.licence or "not stated in the file"
    yield "entities", f"{health.entities:,}, of which {health.definitions:,} have a definition"
    yield "names", named(health)
    sizes = ", ".join(health.components.examples[:3])
    yield "edges", f"{health.edges:,} of {counted(len(health.relations), 'relation')}"
    for name, entities, edges in health.sources:
        yield "from", f"{name}: {counted(entities, 'entity')}, {counted(edges, 'edge')}"
    yield "components", f"{health.components.count:,}" + (f": {sizes}" if sizes else "")
    roots = "; ".join(map(shown, health.roots.examples[:4]))
    yield "roots", f"{health.roots.count:,}" + (f": {roots}" if roots else "")
    yield "left out", f"{health.obsolete:,} obsolete or merged ids"


def _findings(health: Health) -> Iterator[tuple[str, int, str, str]]:
    """Yield name, count, advice and examples of each finding."""
    for field, name, advice in FINDINGS:
        finding = getattr(health, field)
        if finding.count:
            yield name, finding.count, advice, "; ".join(map(shown, finding.examples))


def _relation_figures(health: Health) -> Iterator[Figure]:
    if len(health.relations) > 1:
        bars = [(_short(name), count) for _, name, count in health.relations[:_RELATIONS]]
        yield Figure(
            "Relations of the edges",
            f"The most frequent of {len(health.relations):,} relations.",
            Markup(bar_plot(bars, "Edges by relation")),
        )


def _name_figures(health: Health) -> Iterator[Figure]:
    if len(health.scopes) > 1:
        yield Figure(
            "Scopes of the names",
            "How closely a name matches its entity. All of them are matched; a preferred or exact "
            "name has a higher score than a related one.",
            Markup(bar_plot(health.scopes, "Names by their scope")),
        )


def _text_figures(found: Coverage) -> Iterator[Figure]:
    counts = found.texts_by_mentions
    last = len(counts) - 1
    bars = [(f"{i} or more" if i == last else str(i), count) for i, count in enumerate(counts)]
    yield Figure(
        "Mentions in a text",
        "Texts by their number of mentions. For texts without mentions the graph changes nothing.",
        Markup(bar_plot(bars, "Texts by number of mentions")),
    )
    if found.top_entities:
        top = [(_short(it.name or it.entity), it.mentions) for it in found.top_entities]
        yield Figure(
            "Most mentioned",
            "Check whether the texts are about these entities.",
            Markup(bar_plot(top, "Mentions of the most mentioned entities")),
        )


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27].rstrip()}…"


def _text_tables(found: Coverage) -> Iterator[tuple[str, Table]]:
    """Yield a description of each table, and the table."""
    if found.generic:
        left = found.stop_list
        yield (
            f"These names are words that the graph itself uses for many entities, or that are "
            f"common in English. Without all {len(left.names):,} of them "
            f"{left.linked_texts / found.texts:.1%} of the texts have a mention instead of "
            f"{found.text_share:.1%}, and {left.mentions:,} mentions are left of "
            f"{found.mentions:,}. If they rarely mean the entity, exclude them with "
            f"--exclude-generic-names, or some of them with --stop-names "
            f"{','.join(left.names[:3])}",
            Table(
                "Names that match too often",
                ("name", "texts", "share of texts", "mentions", "entities with it"),
                [
                    (
                        it.name,
                        f"{it.texts:,}",
                        f"{it.texts / found.texts:.1%}",
                        f"{it.mentions:,}",
                        f"{it.in_graph:.1%}" if it.in_graph else "",
                    )
                    for it in found.generic[:_ROWS]
                ],
            ),
        )
    if found.too_frequent:
        yield (
            "They are in so many texts that they hardly discriminate between texts.",
            Table(
                "Names in every fifth text",
                ("surface form", "texts", "share of texts"),
                [
                    (it.text, f"{it.texts:,}", f"{it.texts / found.texts:.1%}")
                    for it in found.too_frequent[:_ROWS]
                ],
            ),
        )
    if found.ambiguous:
        yield (
            "Several entities have this name; the model attends to all of them.",
            Table(
                "Most ambiguous",
                ("surface form", "candidates", "mentions"),
                [
                    (it.text, f"{it.candidates}", f"{it.mentions:,}")
                    for it in found.ambiguous[:_ROWS]
                ],
            ),
        )


def _entities(graph: KnowledgeGraph, found: Coverage | None) -> Iterator[EntitySummary]:
    """Yield the most frequently mentioned entities; without texts, those with the most names."""
    if found and found.top_entities:
        indices = [graph.entity_ids.find(it.entity) for it in found.top_entities]
    else:
        indices = np.argsort(-np.diff(graph.name_offsets), kind="stable").tolist()
    for index in indices[:_ENTITIES]:
        if index is not None:
            yield summarize_entity(graph, index)
