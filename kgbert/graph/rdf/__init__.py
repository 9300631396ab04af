"""Turn RDF statements into entities, names and edges."""
