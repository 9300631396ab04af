"""ICD coding: terms of ICD-10-CM, their categories as labels, and the tree of codes as graph.

The data come from the package simple-icd-10-cm, imported lazily because it reads all of ICD-10-CM.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata

import numpy as np

from kgbert.data import Example
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: Number of validation terms of each category.
VALIDATION_TERMS = 2

#: Maximum number of test terms of each category, because some have hundreds of similar ones.
TEST_TERMS = 6


@dataclass(frozen=True)
class TermSplits:
    """Draws each seed's terms: some of each category to train and validate, others to test."""

    terms: Sequence[Example]
    train: int
    """Number of training terms of each category."""

    def __call__(self, seed: int) -> Split:
        """Return the terms of a seed."""
        generator = np.random.default_rng(seed)
        train: list[Example] = []
        validation: list[Example] = []
        test: list[Example] = []
        for terms in self._by_label.values():
            drawn = [terms[place] for place in generator.permutation(len(terms))]
            held_out = drawn[self.train :]
            train += drawn[: self.train]
            validation += held_out[:VALIDATION_TERMS]
            test += held_out[VALIDATION_TERMS:][:TEST_TERMS]
        return Split(train, validation, test)

    @cached_property
    def _by_label(self) -> dict[str, list[Example]]:
        grouped: dict[str, list[Example]] = {}
        for term in self.terms:
            grouped.setdefault(term.target, []).append(term)
        return grouped


def categories() -> set[str]:
    """Return the codes of all categories, which have three characters."""
    import simple_icd_10_cm as icd

    return {code for code in icd.get_all_codes(with_dots=True) if icd.is_category(code)}


def inclusion_terms() -> list[Example]:
    """Return the inclusion terms, labelled with the codes of their categories.

    Of equal terms the first is kept.
    """
    import simple_icd_10_cm as icd

    terms: dict[str, Example] = {}
    for code in icd.get_all_codes(with_dots=True):
        if not icd.is_chapter_or_block(code):
            for term in icd.get_inclusion_term(code):
                terms.setdefault(term.casefold(), Example(term, code[:3]))
    return list(terms.values())


def sampled_categories(terms: Sequence[Example], count: int, *, train: int) -> list[str]:
    """Return the codes of categories drawn among those with enough terms, at least two to test.

    Args:
        terms: The inclusion terms.
        count: Number of categories.
        train: Number of training terms of each category.
    """
    counts = Counter(term.target for term in terms)
    large = sorted(x for x in categories() if counts[x] >= train + VALIDATION_TERMS + 2)
    return sorted(np.random.default_rng(0).permutation(large)[:count].tolist())


def titles(codes: Iterable[str]) -> dict[str, str]:
    """Return the titles of codes."""
    import simple_icd_10_cm as icd

    return {code: icd.get_description(code) for code in codes}


def titled(terms: Iterable[Example], codes: Iterable[str]) -> list[Example]:
    """Return the terms of some categories, labelled with the titles of the categories."""
    labels = titles(codes)
    return [replace(x, target=labels[x.target]) for x in terms if x.target in labels]


def tree(codes: Iterable[str]) -> KnowledgeGraph:
    """Return the graph of some categories and all codes below them, without inclusion terms."""
    import simple_icd_10_cm as icd

    builder, level = GraphBuilder(), list(codes)
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
    graph = builder.build(source="ICD-10-CM")
    return replace(graph, version=f"simple-icd-10-cm {metadata.version('simple-icd-10-cm')}")
