"""Merge several graphs into one that has each entity once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from kgbert.graph.core.code_names import is_code
from kgbert.graph.core.graph import SCOPES, KnowledgeGraph, Name
from kgbert.graph.core.identifiers import compact, expand, normalize_id, relation_name
from kgbert.graph.core.provenance import Origins
from kgbert.graph.core.vocabulary import XREF
from kgbert.graph.mappings import read_mappings
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError

Pair = tuple[str, str]
#: Id -> the position of its home graph in the order of authority.
Homes = Mapping[str, int]


def join(pairs: Iterable[Pair], homes: Homes) -> tuple[dict[str, str], list[Pair]]:
    """Return the replacement of each joined id, and the pairs that were rejected.

    Two ids of one home graph are never joined: all pairs that would join them, directly or
    through other ids, are rejected. Pairs within one home graph are ignored.

    >>> join([("A:1", "B:1"), ("A:2", "B:2"), ("A:3", "B:2")],
    ...      {"A:1": 0, "A:2": 0, "A:3": 0, "B:1": 1, "B:2": 1})
    ({'B:1': 'A:1'}, [('A:2', 'B:2'), ('A:3', 'B:2')])
    """
    between = sorted({pair for pair in pairs if homes[pair[0]] != homes[pair[1]]})
    partners: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for first, second in between:
        partners[first, homes[second]].add(second)
        partners[second, homes[first]].add(first)
    clear: list[Pair] = []
    conflicts: list[Pair] = []
    for first, second in between:
        rivals = len(partners[first, homes[second]]) + len(partners[second, homes[first]]) - 2
        (conflicts if rivals else clear).append((first, second))
    joined: dict[str, str] = {}
    for group in _groups(clear):
        if len({homes[identifier] for identifier in group}) < len(group):
            conflicts.extend(pair for pair in clear if pair[0] in group)
            continue
        first, *others = sorted(group, key=lambda identifier: homes[identifier])
        joined.update(dict.fromkeys(others, first))
    return joined, conflicts


def _groups(pairs: Iterable[Pair]) -> list[set[str]]:
    """Return the connected components of the pairs."""
    group_of: dict[str, set[str]] = {}
    for first, second in pairs:
        small, large = sorted(
            (group_of.get(first, {first}), group_of.get(second, {second})), key=len
        )
        if small is not large:
            large |= small
        group_of.update(dict.fromkeys(large, large))
    return list({id(group): group for group in group_of.values()}.values())


#: Predicates that state that two ids identify the same entity.
EXACT = ("owl:sameAs", "owl:equivalentClass", "skos:exactMatch")


def merge_graphs(
    graphs: Sequence[KnowledgeGraph] | Mapping[str, KnowledgeGraph],
    *,
    match_on: Sequence[str] = EXACT,
    mapping: str | PathLike[str] | None = None,
) -> KnowledgeGraph:
    """Return one graph that joins the equivalent entities of several graphs.

    Equal ids are one entity. So are ids of different graphs if one of the graphs or the mapping
    table states that they are equivalent. The first graph that has an id, a preferred name
    (codes excluded) or a definition sets it. The other ids are kept in ``replaced``, where
    ``graph.entity(id)`` finds them, and the other names become exact synonyms. A statement that
    would join two entities of the same graph is ignored and counted in the notes. Every entity
    and edge records its sources.

    Args:
        graphs: The graphs in the order of their authority. The keys of a mapping are their
            names; the default name is the source of the graph.
        match_on: The predicates that state equivalence: CURIEs or IRIs, and "xref" for the
            cross-references of OBO, which often mean less than equivalence.
        mapping: Path of an SSSOM table. Rows with one of these predicates are used.

    >>> fever, heat = GraphBuilder(), GraphBuilder()
    >>> fever.add_name("HP:1", "Fever")
    >>> heat.add_name("X:7", "pyrexia")
    >>> heat.add_reference("X:7", "skos:exactMatch", "HP:1")
    >>> graph = merge_graphs({"hp": fever.build(), "x": heat.build()})
    >>> graph.entity("X:7").id, graph.entity("X:7").sources, list(graph.names)
    ('HP:1', ('hp', 'x'), ['Fever', 'pyrexia'])
    """
    named = graphs if isinstance(graphs, Mapping) else _by_source(graphs)
    if not named:
        raise GraphError(
            "no graphs to merge. Pass some: merge_graphs([read_graph('a.obo'), ...]).",
            code="no-graphs",
        )
    predicates = {compact(XREF if name == "xref" else expand(name)) for name in match_on}
    ids = _IdIndex(named.values())
    statements = [statement for graph in named.values() for statement in _statements(graph)]
    statements += read_mappings(Path(mapping)) if mapping is not None else []
    pairs = [
        (start, end)
        for subject, predicate, target in statements
        if predicate in predicates and (start := ids.find(subject)) and (end := ids.find(target))
    ]
    ids.joined, conflicts = join(pairs, ids.homes)
    ids.named_in_words = {
        ids.current(entity)
        for graph in named.values()
        for entity in _entities_named_in_words(graph)
    }
    builder = GraphBuilder()
    for entity in ids.homes:
        builder.add_entity(ids.current(entity))
    for name, graph in named.items():
        _add(name, graph, ids, builder)
    _add_metadata(named, ids, builder)
    builder.note(
        f"{counted(_count_shared_ids(named.values()), 'entity')} met under the same id in another "
        f"source, and "
        f"{counted(len(ids.joined), 'entity')} joined with one of another source by "
        f"{', '.join(match_on)}" + (f" and {mapping}" if mapping is not None else "")
    )
    if conflicts:
        builder.note(
            f"{len(conflicts):,} statements that entities are the same not followed: they would "
            f"make one of several entities of one source (such as {' and '.join(conflicts[0])})"
        )
    merged = builder.build(source=", ".join(named))
    domains = {graph.domain for graph in named.values()} - {""}
    return replace(merged, domain=domains.pop() if len(domains) == 1 else "")


def _count_shared_ids(graphs: Iterable[KnowledgeGraph]) -> int:
    """Return the number of ids that several graphs share."""
    sources = Counter(entity for graph in graphs for entity in graph.entity_ids)
    return sum(times > 1 for times in sources.values())


class _IdIndex:
    """The ids of all graphs, and how they resolve to the ids of the merged graph.

    The home of an id is the graph with the most statements about it, because ontologies repeat
    the ids of other ontologies to refer to them.
    """

    def __init__(self, graphs: Iterable[KnowledgeGraph]) -> None:
        self.homes: dict[str, int] = {}
        self.replaced: dict[str, str] = {}
        self.joined: dict[str, str] = {}
        self.named_in_words: set[str] = set()
        weights: dict[str, int] = {}
        for position, graph in enumerate(graphs):
            counts = np.diff(graph.name_offsets) + np.diff(graph.edge_offsets)
            counts += np.diff(graph.definitions.offsets) > 0
            for entity, weight in zip(graph.entity_ids, counts.tolist(), strict=True):
                if weight > weights.get(entity, -1):
                    weights[entity], self.homes[entity] = weight, position
            for old, new in graph.replaced.items():
                self.replaced[old] = self.replaced.get(old) or new
        self.selected = {normalize_id(entity): entity for entity in reversed(self.homes)}

    def find(self, identifier: str) -> str | None:
        """Return the id of the entity in its home graph, or None if no graph has it."""
        if identifier in self.homes:
            return identifier
        identifier = self.replaced.get(identifier, identifier)
        return self.selected.get(normalize_id(identifier))

    def current(self, identifier: str) -> str:
        """Return the id that replaces an id in the merged graph."""
        return self.joined.get(identifier, identifier)


def _entities_named_in_words(graph: KnowledgeGraph) -> Iterator[str]:
    """Yield the owner of each name that is not a code; an entity can occur several times."""
    entities = list(graph.entity_ids)
    for name, entity in zip(graph.names, graph.name_entities.tolist(), strict=True):
        if not is_code(name):
            yield entities[entity]


def _by_source(graphs: Sequence[KnowledgeGraph]) -> dict[str, KnowledgeGraph]:
    named: dict[str, KnowledgeGraph] = {}
    for number, graph in enumerate(graphs, start=1):
        name = graph.source or f"graph {number}"
        named[f"{name} ({number})" if name in named else name] = graph
    return named


def _statements(graph: KnowledgeGraph) -> Iterator[tuple[str, str, str]]:
    """Yield the edges and the references of a graph."""
    ids = list(graph.entity_ids)
    for head, relation, tail in _edges(graph):
        yield ids[head], relation, ids[tail]
    for head, relation, target in graph.references:
        yield ids[head], relation, target


def _edges(graph: KnowledgeGraph) -> Iterator[tuple[int, str, int]]:
    columns = (graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist())
    for head, relation, tail in zip(*columns, strict=True):
        yield head, graph.relation_ids[relation], tail


def _add(name: str, graph: KnowledgeGraph, ids: _IdIndex, builder: GraphBuilder) -> None:
    """Add the content of a graph; the content of earlier graphs takes precedence."""
    current = [ids.current(entity) for entity in graph.entity_ids]
    origins = graph.origins or Origins.of([(name,)] * len(graph), [(name,)] * len(graph.heads))
    _add_names(graph, current, ids, builder)
    for index, (entity, definition) in enumerate(zip(current, graph.definitions, strict=True)):
        builder.entities[entity] = builder.entities.get(entity) or definition
        builder.add_sources(entity, origins.of_entity(index))
    for relation, text in zip(graph.relation_ids, graph.relation_names, strict=True):
        if not builder.relations.get(relation):
            builder.add_relation(relation, text)
    for position, (head, relation, tail) in enumerate(_edges(graph)):
        edge = (current[head], relation, current[tail])
        if head == tail or edge[0] != edge[2]:  # an edge between joined entities became a loop
            builder.add_edge(*edge)
            builder.add_sources(edge, origins.of_edge(position))
    for head, relation, target in graph.references:
        found = ids.find(target)
        _add_references(
            (current[head], relation, ids.current(found) if found else target), name, builder
        )


def _add_references(statement: tuple[str, str, str], source: str, builder: GraphBuilder) -> None:
    """Add a reference to another graph: as an edge if the merged graph has its target."""
    head, relation, tail = statement
    if head == tail:
        return
    if tail in builder.entities and relation != XREF:
        builder.add_edge(*statement)
        builder.add_sources(statement, (source,))
    else:
        builder.add_reference(*statement)


def _add_names(
    graph: KnowledgeGraph, current: Sequence[str], ids: _IdIndex, builder: GraphBuilder
) -> None:
    """Add the names that are new; an entity keeps the preferred name that it already has."""
    settled, known = set(), set()
    for entity, rank, language, text in builder.names:
        known.add((entity, language or "en", text.casefold()))
        if rank == SCOPES.index("preferred"):
            settled.add((entity, language or "en"))
    for index, entity in enumerate(current):
        names = list(graph.names_of(index))
        bare = entity in ids.named_in_words and _is_bare(names, graph.entity_ids[index])
        for name in names:
            language = name.language or "en"
            demoted = name.scope == "preferred" and (bare or (entity, language) in settled)
            if (entity, language, name.text.casefold()) not in known:
                scope = "exact" if demoted else name.scope
                builder.add_name(entity, name.text, scope, name.language)


def _is_bare(names: Sequence[Name], entity: str) -> bool:
    """Whether the only name of an entity is its id, a code, as in a table of edges."""
    return [name.text for name in names] == [entity] and is_code(entity)


def _add_metadata(
    named: Mapping[str, KnowledgeGraph], ids: _IdIndex, builder: GraphBuilder
) -> None:
    """Add the metadata of the merged graph as a whole."""
    for relation in [relation for relation, text in builder.relations.items() if not text]:
        builder.add_relation(relation, relation_name(relation))
    for old, new in ids.replaced.items():
        if old not in ids.homes:
            builder.replaced[old] = ids.current(new)
    builder.replaced.update(ids.joined)
    for graph in named.values():
        builder.unused_properties.update(graph.unused_properties)
        for reason, count, example in graph.dropped_edges:
            builder.drop_edges(reason, count, example)
    # The licences of all sources apply together.
    builder.licence = "; ".join(dict.fromkeys(g.licence for g in named.values() if g.licence))
    builder.version = "; ".join(f"{name} {g.version}" for name, g in named.items() if g.version)
    for name, graph in named.items():
        for text in graph.notes:
            builder.note(f"{name}: {text}")
