"""Keep the part of a graph that the options select, and note what was left out."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from kgbert.graph.core.graph import HIERARCHICAL
from kgbert.graph.core.identifiers import compact, expand
from kgbert.graph.core.options import ReadOptions
from kgbert.graph.core.vocabulary import META_NAMESPACES, RELATION_ALIASES
from kgbert.graph.rdf.relation_hierarchy import with_subproperties
from kgbert.graph.storage.builder import GraphBuilder
from kgbert.reporting.formatting import counted
from kgbert.utils.errors import GraphError, Remedy


def select(builder: GraphBuilder, options: ReadOptions) -> None:
    """Remove everything from a builder that the options do not select."""
    if options.languages:
        _keep_languages(builder, options.languages)
    if options.relations:
        _keep_relations(builder, options.relations)
    if options.root_radius is not None and (options.root_radius < 0 or not options.roots):
        raise GraphError(
            f"a radius of {options.root_radius} around {', '.join(options.roots) or 'no roots'}: "
            f"it is a number of edges, none or more, counted from roots that are named.",
            code="root-radius-without-roots",
            remedies=[
                Remedy("roots", (min(builder.entities, default="HP:0000118"),), "", "ReadOptions")
            ],
        )
    if options.roots:
        _keep_roots(builder, options)


def is_selected_language(language: str, languages: Collection[str]) -> bool:
    """Whether the options select names in a language.

    >>> [is_selected_language(tag, ("EN",)) for tag in ("en-gb", "", "de")]
    [True, True, False]
    """
    selected = {tag.lower() for tag in languages}
    return not (selected and language) or not selected.isdisjoint(
        (language, language.split("-")[0])
    )


def selected_relations(options: ReadOptions) -> frozenset[str]:
    """Return the ids of the selected relations; none if one may be given by its name."""
    iris = [expand(RELATION_ALIASES.get(word.lower(), word)) for word in options.relations]
    return frozenset(map(compact, iris)) if all(":" in iri for iri in iris) else frozenset()


def is_selected_relation(relation: str, selected: frozenset[str]) -> bool:
    """Whether edges of a relation are selected; True for an empty selection.

    >>> is_selected_relation("http://a.org/part", frozenset())
    True
    >>> is_selected_relation("http://a.org/part", frozenset("b"))
    False
    """
    # Relations of RDF, OWL and SKOS can state equivalence with entities of another graph.
    return not selected or compact(relation) in selected or relation.startswith(META_NAMESPACES)


def check_languages(builder: GraphBuilder, languages: Collection[str]) -> None:
    """Reject a graph that has names, but none in the selected languages."""
    found = builder.names.languages() | builder.skipped_languages.keys()
    before = len(builder.names) + builder.skipped_languages.total()
    if before and not any(is_selected_language(language, languages) for language in found):
        raise GraphError(
            f"none of the {before:,} names is in {', '.join(sorted(languages))}; they are in "
            f"{', '.join(sorted(found)[:12])}.",
            code="no-name-in-languages",
            remedies=[Remedy("languages", (min(found),), "", "ReadOptions")],
        )


def _keep_languages(builder: GraphBuilder, languages: Collection[str]) -> None:
    before = len(builder.names) + builder.skipped_languages.total()
    builder.names.keep_languages(
        {
            language
            for language in builder.names.languages()
            if is_selected_language(language, languages)
        }
    )
    if left_out := before - len(builder.names):
        builder.note(f"{counted(left_out, 'name')} in other languages left out")


def _keep_relations(builder: GraphBuilder, relations: Iterable[str]) -> None:
    selected = {compact(expand(RELATION_ALIASES.get(word.lower(), word))) for word in relations}
    known = builder.edges.relations()
    # Relations can be given by name; of two with one name, the one that has edges is meant.
    ids = {name: relation for relation, name in builder.relations.items()}
    ids |= {builder.relations[relation]: relation for relation in known}
    selected = {ids.get(relation, relation) for relation in selected}
    wanted = with_subproperties(selected, builder.superproperties)
    if not wanted & known:
        here = sorted(known | builder.skipped_relations.keys())[:20]
        raise GraphError(
            f"no edge has a relation that was requested ({', '.join(sorted(selected))}). Relations "
            f"here: {', '.join(here) or 'none'}.",
            code="no-edge-of-relations",
            remedies=[Remedy("relations", tuple(here[:1]), "", "ReadOptions")] if here else [],
        )
    if kinds := sorted(wanted & known - selected):
        builder.note(f"edges of kinds of the requested relations are kept: {', '.join(kinds)}")
    for missing in sorted(selected - known):
        if not with_subproperties({missing}, builder.superproperties) & known:
            builder.note(f"no edge has the relation {missing}, which was requested")
    before = len(builder.edges) + builder.skipped_relations.total()
    builder.edges.keep_relations(wanted)
    if left_out := before - len(builder.edges):
        builder.note(f"{counted(left_out, 'edge')} of other relations left out")


def _keep_roots(builder: GraphBuilder, options: ReadOptions) -> None:
    roots = {compact(expand(root)) for root in options.roots}
    if unknown := roots - builder.entities.keys():
        raise GraphError(
            f"no entity {min(unknown)!r} to start from. Roots are ids as the graph has them.",
            code="unknown-root",
            remedies=[
                Remedy("roots", (min(builder.entities, default="HP:0000118"),), "", "ReadOptions")
            ],
        )
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for head, relation, tail in builder.edges:
        if options.root_radius is not None:
            neighbours[head].append(tail)
            neighbours[tail].append(head)
        elif relation in HIERARCHICAL:
            neighbours[tail].append(head)
    kept = _reached(roots, neighbours, options.root_radius)
    outside = counted(len(builder.entities) - len(kept), "entity")
    builder.note(f"{outside} outside the roots left out")
    builder.entities = {e: text for e, text in builder.entities.items() if e in kept}
    marks = builder.terms.mask_of(kept)
    builder.names.keep_owners(marks)
    builder.edges.keep_between(marks)


def _reached(
    roots: set[str], neighbours: defaultdict[str, list[str]], radius: int | None
) -> set[str]:
    """Return the entities within a radius of the roots, or all reachable ones without a radius."""
    kept, frontier = set(roots), roots
    while frontier and radius != 0:
        frontier = {near for entity in frontier for near in neighbours[entity]} - kept
        kept |= frontier
        radius = None if radius is None else radius - 1
    return kept
