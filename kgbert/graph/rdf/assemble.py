"""Build a graph from statements after all of them were read."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from kgbert.graph.core import vocabulary
from kgbert.graph.core.graph import SCOPES
from kgbert.graph.core.identifiers import compact, compact_all, name_from_iri
from kgbert.graph.rdf.definitions import chosen_definitions, prefer_custom_definitions
from kgbert.graph.rdf.relation_hierarchy import add_hierarchy_edges
from kgbert.graph.rdf.statements import Statements
from kgbert.graph.storage.builder import (
    MOST_REFERENCES,
    GraphBuilder,
    follow_chains,
    redirect_tails,
)
from kgbert.reporting.formatting import counted

#: Most domain-range edges of one relation; with more, its domains and ranges are alternatives.
_MOST_DOMAIN_RANGE_EDGES = 10_000


def assemble(statements: Statements) -> GraphBuilder:
    """Return a builder with the content of the statements and compact ids.

    Names and edges are moved to the builder to keep a single copy in memory.

    >>> from kgbert.graph.core.options import ReadOptions
    >>> statements = Statements(ReadOptions())
    >>> statements.add_literal("http://a.org/b", vocabulary.expand("rdfs:label"), "Beta", "en")
    >>> assemble(statements).build().name(0)
    'Beta'
    """
    statements.end_source()
    builder = statements.builder
    _resolve_unknown(statements)
    statements.read_reified_labels()
    for head, relation, tail in statements.reified_labels.edges():
        statements.add_edges([head], relation, [tail])
    _read_subproperties(statements)
    _add_domain_range_edges(statements)
    statements.edges.keep_relations(
        statements.edges.relations() - statements.annotations - vocabulary.METADATA_PREDICATES
    )
    outside = _not_entities(statements)
    _note_named_metadata(statements)
    entities = _entities(statements, outside)
    current = follow_chains(statements.replaced, set(entities))
    redirect_tails(builder, statements.edges, current)
    ids = dict(zip(entities, compact_all(entities), strict=True))
    definitions = chosen_definitions(statements, ids)
    builder.add_entities(ids.values(), (definitions.get(entity, "") for entity in ids))
    prefer_custom_definitions(statements, ids)
    numbers = builder.terms.remapped(ids)
    known = builder.terms.mask_of(outside)
    known[: len(numbers)] |= numbers >= 0
    _separate_references(statements, ids, known)
    edges = statements.edges
    for relation, inverse in vocabulary.INVERSES.items():
        edges.invert(relation, inverse)
    _name_relations(statements, ids)
    edges.rename_relations({relation: compact(relation) for relation in edges.relations()})
    builder.names.take_over(statements.names, numbers)
    builder.edges.take_over(statements.edges, numbers)
    # Readers of formats with entities have filled the builder with some that are obsolete.
    builder.remove(set(map(compact, statements.deprecated)) & builder.entities.keys())
    _add_replacements(statements, ids)
    _add_metadata(statements, builder)
    for subject in statements.texts.keys() & ids.keys():
        # The versions and licences of parts of a graph.
        builder.unused_properties.update(map(compact, statements.texts[subject]))
    return builder


def _add_replacements(statements: Statements, ids: dict[str, str]) -> None:
    """Add what replaces obsolete ids; count the replacements of entities that stay."""
    builder = statements.builder
    for obsolete in statements.deprecated | statements.replaced.keys():
        old, new = compact(obsolete), compact(statements.replaced.get(obsolete, ""))
        if obsolete not in ids and old not in builder.entities:
            builder.replaced[old] = new
        elif new:
            builder.drop_edges("a replacement of what is not obsolete", 1, f"{old} {new}")


def _note_named_metadata(statements: Statements) -> None:
    """Note how many things with names are no entities, since they are metadata of the file."""
    nodes = statements.metadata_nodes - statements.ontologies - statements.reified_labels.nodes()
    named = {subject for subject, *_ in statements.names.of(nodes)}
    if named:
        statements.builder.note(
            f"not used: {counted(len(named), 'name')} of collections, schemes and other metadata, "
            f"such as that of {compact(min(named))}"
        )


def _resolve_unknown(statements: Statements) -> None:
    """Read texts of sub-properties and of properties with standard local names; count the rest."""
    builder, unknown = statements.builder, statements.unknown
    if count := statements.resolve_unknown():
        what = "1 name or definition" if count == 1 else f"{count:,} names or definitions"
        builder.note(f"{what} under sub-properties of known ones")
    for (predicate, known), count in unknown.by_local_name.most_common():
        builder.note(
            f"{counted(count, 'text')} under {compact(predicate)} read as {compact(known)}, by the "
            f"property's name"
        )
    for predicate, count in unknown.unused.items():
        builder.unused_properties[compact(predicate)] += count


def _read_subproperties(statements: Statements) -> None:
    """Copy the sub-properties to the builder, and add the hierarchy edges that they imply."""
    builder = statements.builder
    for relation, above in statements.unknown.superproperties.items():
        for general in above:
            builder.add_subproperty(compact(relation), compact(general))
    for relation in vocabulary.SUPERPROPERTIES.keys() & statements.edges.relations():
        builder.add_subproperty(relation, compact(vocabulary.SUPERPROPERTIES[relation]))
    add_hierarchy_edges(statements.edges, builder)
    _read_transitive(statements)
    if lost := statements.unknown.lost():
        builder.note(
            f"{lost.total():,} statements under {', '.join(sorted(map(compact, lost)))} were left "
            f"out: the file declares their super-properties too late, behind too many other "
            f"statements. Put the file of the properties first: properties.ttl, statements.nt"
        )


def _read_transitive(statements: Statements) -> None:
    """Read transitive relations as direct ones where nothing states these, and drop them else."""
    edges, builder = statements.edges, statements.builder
    relations = edges.relations()
    is_stated = not relations.isdisjoint(vocabulary.TRANSITIVE.values())
    for transitive in sorted(relations & vocabulary.TRANSITIVE.keys()):
        heads, tails = edges.ends(transitive)
        if is_stated:
            terms = list(builder.terms)
            example = f"{terms[heads[0]]} {terms[tails[0]]}"
            builder.drop_edges(f"{compact(transitive)} is metadata", len(heads), example)
        else:
            direct = vocabulary.TRANSITIVE[transitive]
            edges.extend(heads, direct, tails)
            builder.note(
                f"{counted(len(heads), 'edge')} of {compact(transitive)} read as "
                f"{compact(direct)}, of which there is none"
            )
    edges.keep_relations(edges.relations() - vocabulary.TRANSITIVE.keys())


def _not_entities(statements: Statements) -> set[str]:
    """Return the terms that are relations, obsolete, or metadata of the file."""
    return (
        statements.properties
        | statements.annotations
        | statements.metadata_nodes
        | statements.deprecated
        | statements.reified_labels.nodes()
    )


def _separate_references(
    statements: Statements, ids: dict[str, str], known: NDArray[np.bool_]
) -> None:
    """Move edges to other graphs to the references, and count all edges without two entities."""
    edges, builder = statements.edges, statements.builder
    leaving = list(islice(edges.leaving(known), MOST_REFERENCES))
    for head, relation, tail in (*leaving, *statements.references):
        if head in ids:
            builder.add_reference(ids[head], compact(relation), compact(tail))
    before = len(edges)
    example = " ".join(map(compact, next(edges.not_between(known), ())))
    edges.keep_between(known)
    builder.drop_edges("an end is not described in the graph", before - len(edges), example)
    is_entity = builder.terms.mask_of(ids.keys())
    example = " ".join(map(compact, next(edges.not_between(is_entity), ())))
    before = len(edges)
    edges.keep_between(is_entity)
    reason = "an end is a relation, obsolete, or part of the metadata"
    builder.drop_edges(reason, before - len(edges), example)


def _add_domain_range_edges(statements: Statements) -> None:
    """Add an edge from each domain of a relation to each of its ranges."""
    if not statements.options.domain_range_edges:
        return
    count = 0
    for relation, domains in statements.domains.items():
        ranges = statements.ranges.get(relation, set())
        if relation in vocabulary.METADATA_PREDICATES:
            continue
        if (product := len(domains) * len(ranges)) > _MOST_DOMAIN_RANGE_EDGES:
            reason = f"more than {_MOST_DOMAIN_RANGE_EDGES:,} pairs of a domain and a range"
            statements.builder.drop_edges(reason, product, compact(relation))
            continue
        statements.edges.update((head, relation, tail) for head in domains for tail in ranges)
        count += product
    if count:
        statements.builder.note(
            f"{counted(count, 'edge')} from the domains of relations to their ranges"
        )


def _add_metadata(statements: Statements, builder: GraphBuilder) -> None:
    """Add the version and licence, if the statements are about one ontology."""
    if mistyped := statements.mistyped_literals:
        builder.note(
            f"{len(mistyped):,} literals do not fit their datatype and are kept as they are "
            f"written (such as {min(mistyped)})"
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
    """Return the described terms, and the targets of their edges whose IRI contains a name.

    Targets of references, and IRIs of documents, are only entities if they are described.
    """
    terms = statements.builder.terms
    described, excluded = terms.numbers(statements.described), terms.numbers(outside)
    entities = statements.names.used(0) | statements.edges.used(0)
    entities[described] = True
    entities[excluded] = False
    relations = {each for each in statements.edges.relations() if not vocabulary.is_reference(each)}
    pointed_at = terms.selected(statements.edges.tails_of(entities, relations) & ~entities)
    named = [tail for tail in pointed_at if name_from_iri(tail) and not vocabulary.is_outside(tail)]
    entities[terms.numbers(named)] = True
    entities[excluded] = False
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
    general = {
        relation for above in statements.unknown.superproperties.values() for relation in above
    }
    for relation in statements.edges.relations() | general:
        # The labels of relations in RDFS and SKOS ("subClassOf") do not fit into sentences.
        is_meta = relation.startswith(vocabulary.META_NAMESPACES)
        name = "" if is_meta else relations.get(relation, (False, ""))[1]
        if name or compact(relation) not in statements.builder.relations:
            statements.builder.add_relation(compact(relation), name)
