"""Render the health report of a graph for the terminal."""

import re
from textwrap import fill, shorten
from typing import TYPE_CHECKING

from kgbert.reporting.formatting import counted

if TYPE_CHECKING:
    from kgbert.graph.health.report import Finding, Health

#: (field of Health, its label, advice to the user).
FINDINGS = (
    (
        "code_names",
        "names that are codes",
        "texts do not contain codes: merge the file that names these entities with --merge FILE, "
        "or give the property of their names with --label PROPERTY",
    ),
    ("unnamed", "entities without a name", "no text can be linked to these"),
    ("ambiguous_names", "ambiguous names", "several entities share each; context must decide"),
    ("duplicate_names", "duplicate names", "harmless; an entity lists them twice"),
    ("suspicious_names", "suspicious names", "they match too often; consider a stop list"),
    (
        "generic_names",
        "names that are generic words",
        "shared by many entities, so frequent in texts; inspect --texts counts them",
    ),
    ("hubs", "hubs", "neighbours of many; a sample of their edges is used"),
    ("orphans", "orphans", "no edge; only their names can help"),
    ("cycles", "cycles in hierarchies", "tolerated; correct them where they are errors"),
)

#: A URL, with the last two segments of its path as a group.
_ADDRESS = re.compile(r"https?://[^\s,;()]+?(/[^\s,;()/]+[/#][^\s,;()/]+/?)(?=[\s,;()]|$)")


def render(health: "Health") -> str:
    """Return the report in lines of at most 100 characters; only a URL can be longer."""
    lines = [
        health.source or "graph in memory",
        *_pair("version", health.version),
        *_pair("licence", health.licence),
        *_pair("entities", f"{health.entities:,}, {health.definitions:,} with a definition"),
        *_pair("names", named(health)),
        *_pair("edges", f"{health.edges:,} of {counted(len(health.relations), 'relation')}"),
        *(f"    {count:>12,}  {name}" for _, name, count in health.relations[:8]),
        *_sources(health),
        *_pair("depth", _depth(health)),
        *_pair("levels", _levels(health)),
        *_pair("branches", _branches(health)),
        *_pair("components", _components(health)),
        *_pair("left out", f"{health.obsolete:,} obsolete or merged ids"),
    ]
    for field, name, advice in FINDINGS:
        lines.extend(_finding(name, advice, getattr(health, field)))
    lines.extend(_dropped(health))
    lines.extend(_unused(health))
    lines.extend(
        _wrapped(shorten(f"note: {note}", 400, placeholder=" ..."), "  ") for note in health.notes
    )
    return "\n".join(lines)


def _dropped(health: "Health") -> list[str]:
    return [
        _wrapped(f"dropped {counted(count, 'edge')}: {reason}, as in {shown(example)}", "  ", 4)
        for reason, count, example in health.dropped_edges
    ]


def _unused(health: "Health") -> list[str]:
    """Return every unused text property, with the options that would use it."""
    if not health.unused_properties:
        return []
    listed = "; ".join(f"{property} {count:,}" for property, count in health.unused_properties)
    return [
        _wrapped(
            f"text properties that are not used: {len(health.unused_properties):,} (name what "
            f"matters with --label, --synonym, --definition, --deprecation or --replacement "
            f"PROPERTY)",
            "  ",
            4,
        ),
        _wrapped(listed, "    ", 4),
    ]


def _sources(health: "Health") -> list[str]:
    """Return the counts of each source of a merged graph; shared parts count for each."""
    return [
        _wrapped(
            f"from        {counted(entities, 'entity')} and {counted(edges, 'edge')}: {source}",
            "  ",
            14,
        )
        for source, entities, edges in health.sources
    ]


def _components(health: "Health") -> str:
    largest = f", the largest of {health.components.examples[0]}" if health.components.count else ""
    return f"{health.components.count:,}{largest}; {counted(health.orphans.count, 'entity')} alone"


def _depth(health: "Health") -> str:
    if not health.roots.count:
        return "no hierarchy"
    return f"{health.depth:,} below the nearest of {counted(health.roots.count, 'root')}"


def _levels(health: "Health") -> str:
    sizes = health.shape.level_sizes
    more = " ..." if len(sizes) > 20 else ""
    return ", ".join(f"{size:,}" for size in sizes[:20]) + more if len(sizes) > 1 else ""


def _branches(health: "Health") -> str:
    named = [
        f"{branch.name} {branch.entities:,}"
        for branch in health.shape.branches[:5]
        if branch.entities > 1
    ]
    more = " ..." if len(health.shape.branches) > len(named) else ""
    return "; ".join(named) + more if named else ""


def _pair(key: str, text: str) -> list[str]:
    return [_wrapped(f"{key:<12}{text}", "  ", 14)] if text else []


def _finding(name: str, advice: str, finding: "Finding") -> list[str]:
    if not finding.count:
        return []
    more = "; ..." if finding.count > len(finding.examples) else ""
    return [
        _wrapped(f"{name}: {finding.count:,} ({advice})", "  ", 4),
        *(
            [_wrapped("; ".join(map(shown, finding.examples[:4])) + more, "    ", 4)]
            if finding.examples
            else []
        ),
    ]


def named(health: "Health") -> str:
    """Return the number of names by scope and language."""
    scopes = ", ".join(f"{count:,} {scope}" for scope, count in health.scopes)
    languages = ", ".join(f"{tag or 'none'} {count:,}" for tag, count in health.languages[:6])
    return f"{health.names:,}" + (f": {scopes} (languages: {languages})" if scopes else "")


def shown(example: str) -> str:
    """Return an example with its URLs cut to the last two segments of their paths.

    >>> shown("alberta: https://spec.edmcouncil.org/fibo/ontology/FBC/Centers/Alberta, EX:1")
    'alberta: …/Centers/Alberta, EX:1'
    """
    return _ADDRESS.sub(r"…\1", example)


def _wrapped(text: str, indent: str, hanging: int = 6) -> str:
    spaces = " " * hanging
    return fill(
        text,
        100,
        initial_indent=indent,
        subsequent_indent=spaces,
        break_on_hyphens=False,  # keeps language tags such as en-us whole
        break_long_words="://" not in text,  # keeps URLs whole, so that they can be copied
    )
