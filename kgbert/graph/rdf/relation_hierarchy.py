"""The hierarchy of relations: sub-properties and the edges that they imply."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from kgbert.graph.core.graph import HIERARCHICAL
from kgbert.graph.core.identifiers import compact
from kgbert.graph.core.vocabulary import INVERSES
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.graph.storage.triple_set import TripleSet
from kgbert.reporting.formatting import counted

#: Relation -> its super-properties.
Above = Mapping[str, Collection[str]]

_INVERSE_IDS = {compact(relation): compact(inverse) for relation, inverse in INVERSES.items()}


def with_subproperties(relations: Iterable[str], above: Above) -> set[str]:
    """Return relations and all their direct and indirect sub-properties.

    >>> superproperties = {"organ": ["part"], "heart": ["organ"], "part": ["heart"]}
    >>> sorted(with_subproperties({"part"}, superproperties))
    ['heart', 'organ', 'part']
    """
    below: defaultdict[str, list[str]] = defaultdict(list)
    for relation, broader in above.items():
        for other in broader:
            below[other].append(relation)
    found, pending = set(relations), list(relations)
    while pending:
        fresh = set(below.get(pending.pop(), ())) - found
        found |= fresh
        pending.extend(fresh)
    return found


def add_hierarchy_edges(edges: TripleSet, builder: GraphBuilder) -> None:
    """Add the hierarchy edges that sub-properties of hierarchical relations imply; note how many.

    An edge of a sub-property of ``skos:broader`` or "part of" is also an edge of that relation. An
    edge of a sub-property of ``skos:narrower`` is an inverse edge of ``skos:broader``.

    >>> builder = GraphBuilder()
    >>> builder.add_edge("leg", "limb_of", "table")
    >>> builder.add_subproperty("limb_of", "part_of")
    >>> add_hierarchy_edges(builder.edges, builder)
    >>> sorted(builder.edges)
    [('leg', 'limb_of', 'table'), ('leg', 'part_of', 'table')]
    """
    for general in (*HIERARCHICAL, *_INVERSE_IDS):
        kinds = with_subproperties({general}, builder.superproperties) - {general, *HIERARCHICAL}
        for relation in sorted(edges.relations()) if kinds else ():
            if compact(relation) in kinds:
                heads, tails = edges.ends(relation)
                if general in _INVERSE_IDS:
                    edges.extend(tails, _INVERSE_IDS[general], heads)
                else:
                    edges.extend(heads, general, tails)
                builder.relations.setdefault(_INVERSE_IDS.get(general, general), "")
                builder.note(
                    f"{counted(len(heads), 'edge')} of {compact(relation)}, a kind of {general}, "
                    f"read as that too"
                )
