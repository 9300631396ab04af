"""Feature vectors of entities."""
