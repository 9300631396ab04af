"""Link by the names of the graph: an index of names and rules of normalization."""
