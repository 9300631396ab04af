"""Describe a graph and find possible faults before any training."""
