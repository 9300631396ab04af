"""What a knowledge graph is: entities, names, relations, hierarchy and provenance."""
