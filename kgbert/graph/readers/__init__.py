"""Readers of graph formats: one format a module."""
