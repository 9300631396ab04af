"""Tables and pictures of the documentation, rendered from results."""
