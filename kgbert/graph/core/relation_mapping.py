"""Map the relations of a graph to those that a model knows, by id, name or meaning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from kgbert.graph.core.graph import HIERARCHICAL, INSTANCE_RELATIONS, KnowledgeGraph
from kgbert.graph.core.identifiers import RELATION_NAMES, compact, expand, name_from_iri
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError

#: Relations of the same meaning. A relation of a group is mapped to the first known one of it.
MEANINGS: tuple[tuple[str, ...], ...] = (
    # The tail is the more general entity. OBO's is_a is read as rdfs:subClassOf.
    tuple(
        relation
        for relation in HIERARCHICAL
        if relation not in (*INSTANCE_RELATIONS, "part_of", "BFO:0000050")
        and not relation.endswith("instance_hypernym")
    ),
    # The tail is the class of an instance.
    (*INSTANCE_RELATIONS, "https://globalwordnet.github.io/schemas/wn#instance_hypernym"),
    ("part_of", "BFO:0000050"),
    ("skos:related", "skos:relatedMatch"),
    ("owl:sameAs", "owl:equivalentClass", "skos:exactMatch"),
)


@dataclass(frozen=True)
class MappedRelation:
    """A relation of a graph, and the relation of a model whose weights read its edges."""

    relation: str
    name: str
    edges: int
    """Number of edges of the relation."""
    model_relation: str | None
    """Relation id in the model; None if no weights read these edges."""
    method: str
    """``mapping``, ``id``, ``name`` or ``meaning``; ``missing`` without a relation."""

    def line(self) -> str:
        """Return the mapping as a line of text."""
        read = f"{self.model_relation}, by {self.method}" if self.model_relation else "not read"
        return f"{self.relation} ({self.name}, {counted(self.edges, 'edge')}): {read}"


def map_relations(
    graph: KnowledgeGraph,
    known: Mapping[str, str],
    mapping: Mapping[str, str] | None = None,
) -> tuple[MappedRelation, ...]:
    """Return the relation of a model for each relation of a graph, in the order of the graph.

    A relation is mapped by a given mapping only, if there is one. Otherwise, it is mapped to the
    relation with the same id; else to one with the same name, compared by letters and digits; else
    to one with the same meaning in :data:`MEANINGS`.

    Args:
        graph: The graph.
        known: The name of each relation that the model knows, by id.
        mapping: Relation of the model by relation of the graph, both as ids or names. Relations
            that it does not name are not mapped.

    Raises:
        GraphError: The mapping names a relation that the graph or the model does not have.

    >>> from kgbert.graph.storage.builder import GraphBuilder
    >>> builder = GraphBuilder()
    >>> for number, relation in enumerate(("may_treat", "http://a.org/Causes", "skos:broader")):
    ...     for entity in ("EX:1", f"EX:{number}2"):
    ...         builder.add_name(entity, entity)
    ...     builder.add_edge("EX:1", relation, f"EX:{number}2")
    >>> known = {"causes": "causes", "rdfs:subClassOf": "is a"}
    >>> for each in map_relations(builder.build(), known):
    ...     print(each.relation, each.model_relation, each.method)
    http://a.org/Causes causes name
    may_treat None missing
    skos:broader rdfs:subClassOf meaning
    """
    edges = np.bincount(graph.relations, minlength=len(graph.relation_ids)).tolist()
    own = dict(zip(graph.relation_ids, graph.relation_names, strict=True))
    given = None if mapping is None else _resolved(mapping, own, known, graph.source)
    mapped = []
    for (relation, name), count in zip(own.items(), edges, strict=True):
        if given is None:
            target, method = _match(relation, name, known)
        else:
            target, method = given.get(relation), "mapping"
        mapped.append(
            MappedRelation(relation, name, count, target, method if target else "missing")
        )
    return tuple(mapped)


def _match(relation: str, name: str, known: Mapping[str, str]) -> tuple[str | None, str]:
    if (target := _by_id(relation, known)) is not None:
        return target, "id"
    if (target := _by_name(_names(relation, name), known)) is not None:
        return target, "name"
    for group in MEANINGS:
        if relation in group:
            return next((each for each in group if each in known), None), "meaning"
    return None, "missing"


def _by_id(relation: str, known: Iterable[str]) -> str | None:
    spellings = {relation, compact(relation), expand(relation)}
    return next((each for each in known if each in spellings), None)


def _by_name(names: set[str], known: Mapping[str, str]) -> str | None:
    return next((each for each, name in known.items() if _names(each, name) & names), None)


def _names(relation: str, name: str = "") -> set[str]:
    """Return the names of a relation by letters and digits: has_part is hasPart is "has part"."""
    names = (relation, name, RELATION_NAMES.get(relation, ""), name_from_iri(relation))
    return {"".join(filter(str.isalnum, each.casefold())) for each in names} - {""}


def _resolved(
    mapping: Mapping[str, str], own: Mapping[str, str], known: Mapping[str, str], source: str
) -> dict[str, str]:
    places = own, f"a relation of {source or 'the graph'}"
    targets = known, "a relation that the model knows"
    return {_found(key, *places): _found(value, *targets) for key, value in mapping.items()}


def _found(relation: str, table: Mapping[str, str], kind: str) -> str:
    found = _by_id(relation, table)
    found = found if found is not None else _by_name(_names(relation), table)
    if found is None:
        shown = ", ".join(map(repr, list(table)[:10])) or "none"
        raise GraphError(
            f"the relation mapping names {relation!r}, which is not {kind} (it has {shown}). "
            "Correct the mapping.",
            code="unknown-relation",
        )
    return found
