"""Explain predictions: contributions of words, mentions, entities and edges, and their test."""
