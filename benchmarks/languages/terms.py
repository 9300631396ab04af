"""Terms of the STW Thesaurus for Economics in two languages, and its names in one or both."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.core.hierarchy import ancestors
from kgbert.graph.storage.builder import GraphBuilder

#: Of the subject categories of the thesaurus, and of these the seven widest.
_CATEGORY = "http://zbw.eu/stw/thsys/"
_WIDEST = frozenset(f"{_CATEGORY}{letter}" for letter in "abgnpvw")


def terms_of(graph: KnowledgeGraph, language: str) -> list[Example]:
    """Return the alternative terms in a language, labelled with the names of their categories.

    A category is one directly below the widest ones. Left out are terms of subjects in several
    categories, and terms that name several subjects.
    """
    found = list(_labelled(graph, language))
    counts = Counter(term.text.casefold() for term in found)
    return [term for term in found if counts[term.text.casefold()] == 1]


def categories(graph: KnowledgeGraph) -> dict[str, str]:
    """Return the English names of the subject categories directly below the widest ones, by id."""
    return {
        entity.id: entity.name
        for entity in map(graph.entity, graph.entity_ids)
        if entity.id.startswith(_CATEGORY) and any(tail in _WIDEST for _, tail in entity.edges)
    }


def _labelled(graph: KnowledgeGraph, language: str) -> Iterator[Example]:
    names = categories(graph)
    for entity in map(graph.entity, graph.entity_ids):
        above = {graph.entity_ids[x] for x in ancestors(graph, graph.index(entity.id))}
        if entity.id.startswith(_CATEGORY) or len(above & names.keys()) != 1:
            continue
        (category,) = above & names.keys()
        for name in entity.names:
            if name.language == language and name.scope != "preferred":
                yield Example(name.text, names[category])


def with_preferred_names(graph: KnowledgeGraph, languages: Collection[str]) -> KnowledgeGraph:
    """Return the same entities and edges with only the preferred names in some languages."""
    builder = GraphBuilder()
    for entity in map(graph.entity, graph.entity_ids):
        builder.add_entity(entity.id)
        for name in entity.names:
            if name.scope == "preferred" and name.language in languages:
                builder.add_name(entity.id, name.text, language=name.language)
        for relation, tail in entity.edges:
            builder.add_edge(entity.id, relation, tail)
    return replace(builder.build(source=graph.source), version=graph.version)


def drawn(terms: Collection[Example], count: int, seed: int) -> list[Example]:
    """Return at most this number of terms of each category, drawn at random."""
    by_category: dict[str, list[Example]] = {}
    for term in terms:
        by_category.setdefault(term.target, []).append(term)
    generator = np.random.default_rng(seed)
    return [
        of_one[place]
        for of_one in by_category.values()
        for place in generator.permutation(len(of_one))[:count].tolist()
    ]
