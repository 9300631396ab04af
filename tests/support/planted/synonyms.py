"""A graph of synonyms that only training can tell."""

from kgbert.graph.core.graph import KnowledgeGraph
from kgbert.graph.storage.builder import GraphBuilder


def aliased(count: int) -> KnowledgeGraph:
    """Return a graph whose entities have two names without common words."""
    builder = GraphBuilder()
    for number in range(count):
        left, right = divmod(number, 6)
        builder.add_name(f"EX:{number:02}", f"{'abcdef'[left]}{'ghijkl'[right]}")
        builder.add_name(f"EX:{number:02}", f"{'uvwxyz'[right]} {'mnopqr'[left]}", "exact")
    return builder.build(source="aliased")
