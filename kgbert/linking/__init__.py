"""Find the graph's entities in text; nothing here imports torch."""
