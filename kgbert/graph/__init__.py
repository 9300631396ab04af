"""Read a knowledge graph and look at it; nothing here imports torch."""
