"""Layers that read the graph, and how they enter a backbone."""
