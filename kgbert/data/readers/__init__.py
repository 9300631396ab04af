"""Readers of labelled texts, one file format a module; ``registry`` lists them."""
