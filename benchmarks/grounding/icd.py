"""ICD-10-CM as a task: a text is an inclusion term, its label the category of three characters.

The graph is the tree of codes without the inclusion terms, which are the texts.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import simple_icd_10_cm as icd

from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder


def categories() -> list[str]:
    """Return all categories of three characters."""
    return [code for code in icd.get_all_codes(with_dots=True) if icd.is_category(code)]


def inclusion_terms() -> list[Example]:
    """Return the inclusion terms with their categories; of equal terms, the first."""
    terms: dict[str, Example] = {}
    for code in icd.get_all_codes(with_dots=True):
        if not icd.is_chapter_or_block(code):
            for term in icd.get_inclusion_term(code):
                terms.setdefault(term.casefold(), Example(term, code[:3]))
    return list(terms.values())


def tree(labels: Iterable[str]) -> KnowledgeGraph:
    """Return the graph of some categories and everything below them."""
    builder, level = GraphBuilder(), list(labels)
    for code in level:
        builder.add_name(code, icd.get_description(code))
    while level:
        below = []
        for code in level:
            for child in icd.get_children(code):
                builder.add_name(child, icd.get_description(child))
                builder.add_edge(child, "rdfs:subClassOf", code)
                below.append(child)
        level = below
    return builder.build(source="ICD-10-CM")


def sampled_categories(terms: Sequence[Example], count: int, fewest: int) -> list[str]:
    """Return categories drawn among those with enough terms.

    Args:
        terms: The inclusion terms.
        count: Number of categories.
        fewest: Minimum number of terms of a category.
    """
    counts: dict[str, int] = {}
    for term in terms:
        counts[term.target] = counts.get(term.target, 0) + 1
    known = set(categories())
    large = sorted(label for label, n in counts.items() if n >= fewest and label in known)
    return sorted(np.random.default_rng(0).permutation(large)[:count].tolist())
