"""Compact sets of names and triples, from which a graph is built."""
