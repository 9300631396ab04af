"""Paths of a graph as evidence: from the entities of a text to its answers, or upwards."""
