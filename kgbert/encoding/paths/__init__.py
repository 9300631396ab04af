"""Paths of a graph from the entities of a text to those of labels, choices and arguments."""
