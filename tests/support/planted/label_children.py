"""A graph whose entities are the labels of a task: only the children of a label tell it."""

from kgbert.data import Example
from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder

#: Names of the children by the id of their parent, whose own name says nothing of them.
CHILDREN = {
    "L:1": ("quartz", "zircon", "jade"),
    "L:2": ("tuba", "fiddle", "gong"),
    "L:3": ("mango", "plum", "kiwi"),
    "L:4": ("yacht", "ferry", "barge"),
}
NAMES = {"L:1": "class one", "L:2": "class two", "L:3": "class three", "L:4": "class four"}


def label_graph() -> KnowledgeGraph:
    """Return the graph: four classes with three children each."""
    builder = GraphBuilder()
    for label, children in CHILDREN.items():
        builder.add_name(label, NAMES[label])
        for place, child in enumerate(children):
            builder.add_name(f"{label}.{place}", child)
            builder.add_edge(f"{label}.{place}", "rdfs:subClassOf", label)
    return builder.build(source="classes")


def labelled_texts(*labels: str) -> list[Example]:
    """Return texts that name a child of their label."""
    return [
        Example(f"a {child} of {place} kinds", label)
        for label in labels
        for place in (2, 3)
        for child in CHILDREN[label]
    ]
