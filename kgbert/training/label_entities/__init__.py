"""Train and predict with labels that are entities of the graph."""
