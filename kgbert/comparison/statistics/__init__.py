"""Paired tests, intervals, power and the verdict."""
