"""General utilities for all packages, independent of graphs, texts and models."""
