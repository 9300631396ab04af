"""Normalize names and texts, so that spelling variants match."""
