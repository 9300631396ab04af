"""Texts whose spans have labels that only the classes above their entities tell."""

import numpy as np

from kgbert.data import Example, Span
from kgbert.data.splits import Split
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: Number of items. Each is in one text, so that nothing of another can be learnt by heart.
SIZE = 80

_GENERATOR = np.random.default_rng(3)
#: A meaningless name of two words for each item.
NAMES = [
    " ".join("".join(_GENERATOR.choice(list("abcdefghiklmnoprstuvz"), 5)) for _ in range(2))
    for _ in range(SIZE)
]
#: The label of each item, drawn at random.
LABELS = [("Disease", "Drug")[each] for each in _GENERATOR.integers(2, size=SIZE)]


def class_graph() -> KnowledgeGraph:
    """Return the graph: a group above each item, and a class above the group."""
    builder = GraphBuilder()
    for label in set(LABELS):
        builder.add_name(f"C:{label}", f"class of the {label}")
    for number, (name, label) in enumerate(zip(NAMES, LABELS, strict=True)):
        builder.add_name(f"E:{number}", name)
        group = f"G:{label}{number % 4}"
        builder.add_entity(group)
        builder.add_edge(f"E:{number}", "rdfs:subClassOf", group)
        builder.add_edge(group, "rdfs:subClassOf", f"C:{label}")
    return builder.build(source="classes")


def tagged_text(number: int) -> Example:
    """Return the text of an item, with the item as its span."""
    words = ("the", "some", "no")[number % 3]
    start = len(words) + 1
    span = Span(start, start + len(NAMES[number]), LABELS[number], f"E:{number}")
    return Example(f"{words} {NAMES[number]} again", spans=(span,))


def tagged_split() -> Split:
    """Return the texts of all items."""
    examples = [tagged_text(number) for number in range(SIZE)]
    return Split(examples[:48], examples[48:64], examples[64:])
