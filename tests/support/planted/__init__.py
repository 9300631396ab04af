"""Graphs and texts whose answers are planted: in an edge, a path, a child, a name or a feature."""
