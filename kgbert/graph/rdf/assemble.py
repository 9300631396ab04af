"""Make a graph of statements, once all of them are there."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, compact_all, name_from_iri
from kgbert.graph.rdf.relation_hierarchy import add_hierarchy_edges
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.storage.builder import MOST_REFERENCES, GraphBuilder
from kgbert.reporting.formatting import counted


def assemble(statements: Statements) -> GraphBuilder:
    """Return the builder with everything in it, ids written as in the graph.

    Names and edges move there: they are not held twice.

    >>> from kgbert.graph.core.options import ReadOptions
    >>> statements = Statements(ReadOptions())
    >>> statements.add_literal("http://a.org/b", vocabulary.expand("rdfs:label"), "Beta", "en")
    >>> assemble(statements).build().name(0)
    'Beta'
    """
    statements.end_source()
    builder = statements.builder
    if own := statements.resolve_unknown():
        builder.note(
            f"{own:,} names and definitions are under properties that are said to hold such"
        )
    statements.read_label_nodes()
    for head, relation, tail in statements.reified_labels.edges():
        statements.relate([head], relation, [tail])
    _read_subproperties(statements)
    if schema := list(_domain_range_edges(statements)):
        statements.edges.update(schema)
        builder.note(
            f"{counted(len(schema), 'edge')} from the domains of relations to their ranges"
        )
    statements.edges.keep_relations(
        statements.edges.relations() - statements.annotations - vocabulary.METADATA_PREDICATES
    )
    outside = (
        statements.properties
        | statements.annotations
        | statements.metadata_nodes
        | statements.deprecated
    )
    outside |= statements.reified_labels.nodes()
    entities = _entities(statements, outside)
    ids = dict(zip(entities, compact_all(entities), strict=True))
    definitions: dict[str, str] = {}
    for rank in sorted(statements.definitions, reverse=True):
        definitions.update(statements.definitions[rank])
    builder.add_entities(ids.values(), (definitions.get(entity, "") for entity in ids))
    numbers = builder.terms.remapped(ids)
    _name_relations(statements, ids)
    builder.names.take_over(statements.names, numbers)
    known = builder.terms.mask_of(outside)
    known[: len(numbers)] |= numbers >= 0
    _separate_references(statements, ids, known)
    builder.edges.take_over(statements.edges, numbers)
    for obsolete in statements.deprecated | statements.replaced.keys():
        if obsolete not in ids:
            builder.replaced[compact(obsolete)] = compact(statements.replaced.get(obsolete, ""))
    _add_metadata(statements, builder)
    return builder


def _read_subproperties(statements: Statements) -> None:
    """Pass on which relations are kinds of others, and what that says of their edges."""
    builder = statements.builder
    for relation, above in statements.own.above.items():
        for general in above:
            builder.add_subproperty(compact(relation), compact(general))
    add_hierarchy_edges(statements.edges, builder)
    if lost := statements.own.lost():
        builder.note(
            f"{lost.total():,} statements under {', '.join(sorted(map(compact, lost)))} were left "
            f"out: what these are kinds of was said too late, behind too many others. Name a file "
            f"that says it first: read_graph(['properties.ttl', 'statements.nt'])"
        )


def _separate_references(
    statements: Statements, ids: dict[str, str], known: NDArray[np.bool_]
) -> None:
    """Note the edges that are none of this graph, and keep those that may be of another."""
    described = len(statements.edges)
    leading_out = islice(statements.edges.leaving(known), MOST_REFERENCES)
    for head, relation, tail in (*leading_out, *statements.references):
        if head in ids:
            statements.builder.add_reference(ids[head], compact(relation), compact(tail))
    statements.edges.keep_between(known)
    if dangling := described - len(statements.edges):
        statements.builder.note(
            f"{counted(dangling, 'edge')} dropped: an end of theirs is not described"
        )
    relations = statements.edges.relations()
    statements.edges.rename_relations({relation: compact(relation) for relation in relations})


def _domain_range_edges(statements: Statements) -> Iterator[tuple[str, str, str]]:
    """Yield an edge from each class that a relation starts at to each that it ends at."""
    for relation, domain in (
        statements.domains.items() if statements.options.domain_range_edges else ()
    ):
        if relation in vocabulary.METADATA_PREDICATES:
            continue
        tails = statements.ranges.get(relation, set())
        yield from ((head, relation, tail) for head in domain for tail in tails)


def _add_metadata(statements: Statements, builder: GraphBuilder) -> None:
    """Tell the builder the version and licence, if the statements are about one ontology."""
    if mistyped_literals := statements.mistyped_literals:
        builder.note(
            f"{len(mistyped_literals):,} literals do not fit their datatype, and are kept as they "
            f"are written (such as {min(mistyped_literals)})"
        )
    if len(statements.ontologies) == 1:
        texts = statements.texts[next(iter(statements.ontologies))]
        version = next((texts[key] for key in vocabulary.VERSIONS if key in texts), "")
        licence = next((texts[key] for key in vocabulary.LICENCES if key in texts), "")
        builder.version, builder.licence = (
            version or builder.version,
            licence or builder.licence,
        )


def _entities(statements: Statements, outside: set[str]) -> list[str]:
    """Return what is described, and what is only pointed at if its IRI says what it is."""
    terms = statements.builder.terms
    described, not_meant = terms.numbers(statements.described), terms.numbers(outside)
    entities = statements.names.used(0) | statements.edges.used(0)
    entities[described] = True
    pointed_at = terms.selected(statements.edges.used(2) & ~entities)
    entities[terms.numbers([tail for tail in pointed_at if name_from_iri(tail)])] = True
    entities[not_meant] = False
    return [
        entity
        for entity in terms.selected(entities)
        if not entity.startswith(vocabulary.META_NAMESPACES)
    ]


def _name_relations(statements: Statements, ids: dict[str, str]) -> None:
    relations: dict[str, tuple[bool, str]] = {}
    for subject, scope, language, text in statements.names.of(statements.properties):
        if SCOPES[scope] == "preferred" and subject not in ids:
            candidate = (language not in ("", "en"), text)
            relations[subject] = min(relations.get(subject, candidate), candidate)
    general = {relation for above in statements.own.above.values() for relation in above}
    for relation in statements.edges.relations() | general:
        # What RDFS and SKOS call their own relations ("subClassOf") is not for sentences.
        is_meta = relation.startswith(vocabulary.META_NAMESPACES)
        name = "" if is_meta else relations.get(relation, (False, ""))[1]
        if name or compact(relation) not in statements.builder.relations:
            statements.builder.add_relation(compact(relation), name)
