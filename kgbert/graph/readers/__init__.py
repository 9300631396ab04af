"""Readers of graph formats, one format a module; ``registry`` lists them."""
