"""Describe a graph and find what may be wrong with it, before any training."""
