"""Report the content of a graph and its possible faults before any training."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from kgbert.graph.core.code_names import are_codes, is_code
from kgbert.graph.core.graph import SCOPES, KnowledgeGraph
from kgbert.graph.core.hierarchy import is_hierarchical, levels
from kgbert.graph.core.stopwords import FUNCTION_WORDS
from kgbert.graph.health.generic_names import generic_names
from kgbert.graph.health.structure import GraphStructure, graph_structure
from kgbert.graph.health.text import render
from kgbert.reporting.formatting import counted

#: Most examples of each finding, and most members of a cycle that are listed.
EXAMPLES = 8


@dataclass(frozen=True)
class Finding:
    """A possible fault: how often it occurs, with some readable examples."""

    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Health:
    """The statistics and findings of a graph; use ``print`` or :meth:`json`."""

    source: str
    sources: tuple[tuple[str, int, int], ...]
    """(source, entities, edges) of each source of a merged graph; sources can overlap."""
    version: str
    licence: str
    entities: int
    names: int
    scopes: tuple[tuple[str, int], ...]
    """(scope, number of names), strongest first."""
    definitions: int
    """Number of entities with a definition."""
    edges: int
    relations: tuple[tuple[str, str, int], ...]
    """(id, name, number of edges), the most frequent first."""
    languages: tuple[tuple[str, int], ...]
    """(tag, number of names); the empty tag means "unknown"."""
    depth: int
    """Number of levels below the root of the deepest hierarchy."""
    roots: Finding
    unnamed: Finding
    duplicate_names: Finding
    """Names that one entity has twice, ignoring case."""
    ambiguous_names: Finding
    """Names that several entities share, ignoring case."""
    suspicious_names: Finding
    """Names without letters, of one Latin letter or up to three in lower case, or stop words."""
    code_names: Finding
    """Names that are codes, if nearly all names are."""
    generic_names: Finding
    """Names that the graph also uses as generic words, the most frequent first."""
    hubs: Finding
    """Entities with more than 1 % of all edges, and more than 100 edges."""
    orphans: Finding
    components: Finding
    """Connected components without the orphans; the examples are their sizes."""
    cycles: Finding
    """Cycles of hierarchical edges."""
    obsolete: int
    """Obsolete or merged ids that were left out."""
    unused_properties: tuple[tuple[str, int], ...]
    """(text property of the sources that was not used, number of its values), largest first."""
    dropped_edges: tuple[tuple[str, int, str], ...]
    """(reason, number, an example) of statements between ids that did not become edges."""
    notes: tuple[str, ...]
    """Remarks of the reader."""
    shape: GraphStructure

    def __str__(self) -> str:
        return render(self)

    def json(self) -> str:
        """Return the report in JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)


def graph_health(graph: KnowledgeGraph) -> Health:
    """Return the health report of a graph.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> builder.add_name("HP:1", "Fever")
    >>> builder.add_name("HP:2", "fever")
    >>> graph_health(builder.build()).ambiguous_names
    Finding(count=1, examples=('fever: HP:1, HP:2',))
    """
    level = levels(graph)
    ambiguous, duplicate, suspicious = _names(graph)
    hubs, orphans, components = _shape(graph)
    edges = np.bincount(graph.relations, minlength=len(graph.relation_ids))
    by_language = np.bincount(graph.name_languages, minlength=len(graph.languages))
    relations = zip(graph.relation_ids, graph.relation_names, edges.tolist(), strict=True)
    languages = zip(graph.languages, by_language.tolist(), strict=True)
    unnamed = np.flatnonzero(np.diff(graph.name_offsets) == 0)
    return Health(
        source=graph.source,
        sources=graph.origins.counts() if graph.origins else (),
        version=graph.version,
        licence=graph.licence,
        entities=len(graph),
        names=len(graph.names),
        scopes=_scopes(graph),
        definitions=int((np.diff(graph.definitions.offsets) > 0).sum()),
        edges=len(graph.heads),
        relations=tuple(sorted(relations, key=lambda relation: (-relation[2], relation[0]))),
        languages=tuple(language for language in languages if language[1]),
        depth=int(level.max(initial=0)),
        roots=_listed(graph, _roots(graph, level)),
        unnamed=_listed(graph, unnamed),
        duplicate_names=duplicate,
        ambiguous_names=ambiguous,
        suspicious_names=suspicious,
        code_names=_codes(graph),
        generic_names=_ordinary(graph),
        hubs=hubs,
        orphans=orphans,
        components=components,
        cycles=_cycles(graph),
        obsolete=len(graph.replaced),
        unused_properties=tuple(
            sorted(graph.unused_properties.items(), key=lambda item: (-item[1], item[0]))
        ),
        dropped_edges=graph.dropped_edges,
        notes=graph.notes,
        shape=graph_structure(graph),
    )


def _scopes(graph: KnowledgeGraph) -> tuple[tuple[str, int], ...]:
    counts = np.bincount(graph.name_scopes, minlength=len(SCOPES)).tolist()
    return tuple((scope, count) for scope, count in zip(SCOPES, counts, strict=True) if count)


def _listed(graph: KnowledgeGraph, entities: NDArray[np.int64]) -> Finding:
    return Finding(len(entities), tuple(_label(graph, int(e)) for e in entities[:EXAMPLES]))


def _label(graph: KnowledgeGraph, index: int) -> str:
    name, entity = graph.name(index), graph.entity_ids[index]
    return entity if name == entity else f"{name} ({entity})"


def _roots(graph: KnowledgeGraph, level: NDArray[np.int32]) -> NDArray[np.int64]:
    above = np.zeros(len(graph), np.bool_)
    above[graph.tails[is_hierarchical(graph)]] = True
    return np.flatnonzero(above & (level == 0))


def _names(graph: KnowledgeGraph) -> tuple[Finding, Finding, Finding]:
    """Return the ambiguous, the duplicate and the suspicious names."""
    owners: defaultdict[str, set[int]] = defaultdict(set)
    seen: Counter[tuple[str, int]] = Counter()
    suspicious: dict[str, None] = {}
    for name, entity in zip(graph.names, graph.name_entities.tolist(), strict=True):
        folded = name.casefold()
        owners[folded].add(entity)
        seen[folded, entity] += 1
        if _is_suspicious(name):
            suspicious[name] = None
    shared = sorted(
        (name for name, entities in owners.items() if len(entities) > 1),
        key=lambda name: (-len(owners[name]), name),
    )
    repeated = [pair for pair, count in seen.items() if count > 1]
    return (
        Finding(
            len(shared), tuple(_owned(graph, name, owners[name]) for name in shared[:EXAMPLES])
        ),
        Finding(len(repeated), tuple(name for name, _ in repeated[:EXAMPLES])),
        Finding(len(suspicious), tuple(list(suspicious)[:EXAMPLES])),
    )


def _owned(graph: KnowledgeGraph, name: str, owners: set[int]) -> str:
    ids = [graph.entity_ids[entity] for entity in sorted(owners)]
    more = f" and {len(ids) - 4} more" if len(ids) > 4 else ""
    return f"{name}: {', '.join(ids[:4])}{more}"


def _ordinary(graph: KnowledgeGraph) -> Finding:
    shares = generic_names(graph)
    most = sorted(shares, key=lambda name: (-shares[name], name))
    return Finding(
        len(most), tuple(f"{name}: {shares[name]:.1%} of entities" for name in most[:EXAMPLES])
    )


def _codes(graph: KnowledgeGraph) -> Finding:
    names = list(graph.names)
    codes = [name for name in names if is_code(name)] if are_codes(names) else []
    return Finding(len(codes), tuple(codes[:EXAMPLES]))


def _is_suspicious(name: str) -> bool:
    short = name.isascii() and (len(name) == 1 or (len(name) <= 3 and name.islower()))
    stopped = name.casefold() in FUNCTION_WORDS and not name.isupper()
    return short or stopped or not any(character.isalpha() for character in name)


def _shape(graph: KnowledgeGraph) -> tuple[Finding, Finding, Finding]:
    """Return the hubs, the orphans and the components."""
    ends = np.concatenate([graph.heads, graph.tails])
    degree = np.bincount(ends, minlength=len(graph))
    hubs = np.flatnonzero(degree > max(100, len(graph.heads) / 100))
    hubs = hubs[np.argsort(-degree[hubs], kind="stable")]
    named = tuple(
        f"{_label(graph, int(hub))}: {counted(int(degree[hub]), 'edge')}" for hub in hubs[:EXAMPLES]
    )
    matrix = _matrix(graph, np.ones(len(graph.heads), np.bool_))
    _, component = connected_components(matrix, directed=False)
    sizes = -np.sort(-np.bincount(component[degree > 0]))
    sizes = sizes[sizes > 0]
    return (
        Finding(len(hubs), named),
        _listed(graph, np.flatnonzero(degree == 0)),
        Finding(len(sizes), tuple(counted(int(size), "entity") for size in sizes[:EXAMPLES])),
    )


def _matrix(graph: KnowledgeGraph, kept: NDArray[np.bool_]) -> "csr_array":
    ones = np.ones(int(kept.sum()), np.bool_)
    shape = (len(graph), len(graph))
    return csr_array((ones, (graph.heads[kept], graph.tails[kept])), shape=shape)


def _cycles(graph: KnowledgeGraph) -> Finding:
    hierarchical = is_hierarchical(graph)
    upward = _matrix(graph, hierarchical)
    _, component = connected_components(upward, directed=True, connection="strong")
    sizes = np.bincount(component, minlength=1)
    loops = np.unique(graph.heads[hierarchical & (graph.heads == graph.tails)])
    # The first member represents a strong component; a loop is a cycle by itself.
    members = np.flatnonzero(sizes[component] > 1)
    firsts = members[np.unique(component[members], return_index=True)[1]]
    starts = np.union1d(firsts, loops[sizes[component[loops]] == 1])
    examples = tuple(_cycle(graph, upward, component, int(start)) for start in starts[:EXAMPLES])
    return Finding(len(starts), examples)


def _cycle(
    graph: KnowledgeGraph, upward: "csr_array", component: NDArray[np.int32], start: int
) -> str:
    """Return the path of a cycle through an entity; its strong component contains one."""
    path, entity = [start], start
    while True:
        above = upward.indices[upward.indptr[entity] : upward.indptr[entity + 1]]
        inside = [int(parent) for parent in above if component[parent] == component[start]]
        entity = inside[0]
        if entity in path:
            cycle = path[path.index(entity) :]
            break
        path.append(entity)
    shown = [_label(graph, member) for member in cycle[:EXAMPLES]]
    if len(cycle) > EXAMPLES:
        shown.append(f"... {len(cycle) - EXAMPLES:,} more")
    return " → ".join([*shown, _label(graph, cycle[0])])
